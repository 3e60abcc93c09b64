import type { Fail } from './layer.ts';

/** Feature maps [height, width, channels]. */
export type Maps = [height: number, width: number, channels: number];

/** Checks that a layer's only input is feature maps, and returns their shape. */
export function mapsOf(inputs: number[][], fail: Fail): Maps {
  const [shape = []] = inputs;
  if (shape.length === 3) return shape as Maps;
  return fail(
    `needs feature maps [height, width, channels], but its input is [${shape}]; put it before the flattening layer`,
  );
}

/** Refuses sizes that are not whole numbers of at least 1. */
export function checkSizes(sizes: Record<string, number>, fail: Fail): void {
  for (const [name, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || size < 1)
      fail(`needs ${name} to be a whole number of at least 1, not ${size}`);
}

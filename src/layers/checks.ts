import type { Fail } from './layer.ts';

/** Feature maps [height, width, channels]. */
export type Maps = [height: number, width: number, channels: number];

/** The one input of a layer that takes feature maps. */
export function mapsOf(inputs: number[][], fail: Fail): Maps {
  const [shape = []] = inputs;
  if (shape.length === 3) return shape as Maps;
  return fail(
    `takes feature maps [height, width, channels], but its input is [${shape}]; put it before the flattening layer`,
  );
}

/** Refuses a size that is not a whole number of at least 1. */
export function checkSizes(sizes: Record<string, number>, fail: Fail): void {
  for (const [name, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || size < 1)
      fail(`needs ${name} to be a whole number of at least 1, not ${size}`);
}

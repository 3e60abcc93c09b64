import { copyOf } from '../buffers.ts';
import type { Picture } from '../picture.ts';
import { allocate, loadKernels, margin, tableBytes } from './module.ts';

/** Runs a kernel on a copy of a picture's pixels, in the module's memory. */
function applyKernel(
  { data, width, height }: Picture,
  table: Uint8Array | undefined,
  kernel: (start: number, pixels: number, table: number) => void,
): Picture {
  const { memory } = loadKernels();
  const [tables, start] = allocate([tableBytes, data.length + margin]) as [number, number];
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(data, start);
  if (table) bytes.set(table, tables);
  kernel(start, width * height, tables);
  return { data: copyOf(bytes.subarray(start, start + data.length)), width, height };
}

/** Replaces each value through a table. @param table uint8 [3, 256], for red, green and blue. */
export function replaceValues(picture: Picture, table: Uint8Array): Picture {
  return applyKernel(picture, table, loadKernels().replaceValues);
}

/** Multiplies every pixel's distance from the grey of its luma (ITU-R BT.601) by a factor. */
export function scaleColour(picture: Picture, factor: number): Picture {
  const { moreColour } = loadKernels();
  return applyKernel(picture, undefined, (start, pixels) => moreColour(start, pixels, factor));
}

/** Sums the values of each colour. */
export function sumColours({ data, width, height }: Picture): [red: number, green: number, blue: number] {
  const { memory, sumColours: run } = loadKernels();
  const [sums, start] = allocate([16, data.length + margin]) as [number, number];
  new Uint8Array(memory.buffer).set(data, start);
  run(start, width * height, sums);
  const [red = 0, green = 0, blue = 0] = new Uint32Array(memory.buffer, sums, 3);
  return [red, green, blue];
}

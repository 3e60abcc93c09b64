import type { Picture } from '../picture.ts';
import { exportsOf, layOut, margin, tableBytes } from './module.ts';

/** What a kernel makes of a picture's pixels in its memory; the picture given stays as it is. */
function changed(
  { data, width, height }: Picture,
  table: Uint8Array | undefined,
  change: (start: number, pixels: number, table: number) => void,
): Picture {
  const { memory } = exportsOf();
  const [tables, start] = layOut([tableBytes, data.length + margin]) as [number, number];
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(data, start);
  if (table) bytes.set(table, tables);
  change(start, width * height, tables);
  return { data: Buffer.from(bytes.subarray(start, start + data.length)), width, height };
}

/** @param table 3 x 256 values that replace those of red, green and blue. */
export function replaceValues(picture: Picture, table: Uint8Array): Picture {
  return changed(picture, table, exportsOf().replaceValues);
}

/** Every pixel's distance from grey of its luma (ITU-R BT.601) times a factor. */
export function scaleColour(picture: Picture, factor: number): Picture {
  const { moreColour } = exportsOf();
  return changed(picture, undefined, (start, pixels) => moreColour(start, pixels, factor));
}

/** The sums of all reds, greens and blues. */
export function sumColours({ data, width, height }: Picture): [red: number, green: number, blue: number] {
  const { memory, sumColours: run } = exportsOf();
  const [sums, start] = layOut([16, data.length + margin]) as [number, number];
  new Uint8Array(memory.buffer).set(data, start);
  run(start, width * height, sums);
  const [red = 0, green = 0, blue = 0] = new Uint32Array(memory.buffer, sums, 3);
  return [red, green, blue];
}

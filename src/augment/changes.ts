import { takeBuffer } from './buffers.ts';
import type { Colour, GeometryChange, LookupChange, PixelChange, Size } from './operation.ts';
import type { Fill } from './parameters.ts';
import type { Matrix } from './warp/matrix.ts';

/** @param hex '#rrggbb'. */
export function parseColour(hex: string): Colour {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Colour;
}

/**
 * A picture of the same size, resampled.
 * @param matrix takes output pixels to input pixels, all of which must lie inside; see {@link withFill} where they do not.
 */
export function transformed({ width, height }: Size, matrix: Matrix): GeometryChange {
  return { kind: 'geometry', width, height, stages: [{ kind: 'matrix', matrix }] };
}

/** A part of a picture, in pixels, stretched to a size. */
export function cropAndResize(left: number, top: number, from: Size, to: Size): GeometryChange {
  const matrix: Matrix = [from.width / to.width, 0, left, 0, from.height / to.height, top, 0, 0, 1];
  return { kind: 'geometry', width: to.width, height: to.height, stages: [{ kind: 'matrix', matrix }] };
}

/** A change that reads beyond the edges of a picture of `size`, where it finds the fill. */
export function withFill(change: GeometryChange, fill: Fill, { width, height }: Size): GeometryChange {
  const kind = fill === 'edge' ? 'clamp' : 'mark';
  const stages = [...change.stages, { kind, width, height } as const];
  return fill === 'edge' ? { ...change, stages } : { ...change, stages, fill: parseColour(fill) };
}

/** Replaces each value, 0..255, of red, green and blue alike. Results are rounded and clamped. */
export function lookup(replace: (value: number) => number): LookupChange {
  const one = new Uint8ClampedArray(256);
  for (let value = 0; value < 256; value++) one[value] = replace(value);
  const table = new Uint8Array(768);
  for (const at of [0, 256, 512]) table.set(one, at);
  return { kind: 'lookup', table };
}

/** ITU-R BT.601 luma, 0..255. */
export function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** Changes each pixel by itself: `replace` reads the three values from `at` on and writes those of the output. */
export function perPixel(replace: (input: Buffer, output: Buffer, at: number) => void): PixelChange {
  return {
    kind: 'pixels',
    change({ data, width, height }) {
      const output = takeBuffer(data.length);
      for (let at = 0; at < data.length; at += 3) replace(data, output, at);
      return { data: output, width, height };
    },
  };
}

/** Rounded and clamped to 0..255. */
export function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}

import type { Window } from '../../src/layers/index.ts';
import type { PlainTensor } from './test_layer.ts';

interface Pixel {
  /** Within the kernel. */
  row: number;
  column: number;
  /** Index of its first channel. */
  at: number;
}

/**
 * Windows over maps as TensorFlow's SAME and VALID place them, written from its documentation
 * (tensorflow.org/api_docs/python/tf/nn, "Notes on padding"), for reference implementations.
 */
export function eachWindow(
  [rows, columns, channels]: [number, number, number],
  { kernel, stride, padding }: Window,
) {
  const outputs = (length: number) =>
    padding === 'same' ? Math.ceil(length / stride) : Math.ceil((length - kernel + 1) / stride);
  const before = (length: number) =>
    padding === 'same' ? Math.floor(Math.max((outputs(length) - 1) * stride + kernel - length, 0) / 2) : 0;
  const [height, width] = [outputs(rows), outputs(columns)];
  /** @param compute the channels of a window's output, from its pixels that are within the maps. */
  function windows(x: PlainTensor | undefined, compute: (pixels: Pixel[]) => number[]): number[] {
    const values: number[] = [];
    for (let picture = 0; picture < (x?.shape[0] ?? 0); picture++)
      for (let top = 0; top < height; top++)
        for (let left = 0; left < width; left++) {
          const pixels: Pixel[] = [];
          for (let row = 0; row < kernel; row++)
            for (let column = 0; column < kernel; column++) {
              const [y, across] = [
                top * stride - before(rows) + row,
                left * stride - before(columns) + column,
              ];
              if (y < 0 || y >= rows || across < 0 || across >= columns) continue;
              pixels.push({ row, column, at: ((picture * rows + y) * columns + across) * channels });
            }
          values.push(...compute(pixels));
        }
    return values;
  }
  return { height, width, windows };
}

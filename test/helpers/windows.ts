import type { Window } from '../../src/layers/index.ts';
import type { PlainTensor } from './test_layer.ts';

interface Pixel {
  /** Within the kernel. */
  row: number;
  column: number;
  /** Index of its first channel. */
  at: number;
}

interface Axis {
  reach: number;
  step: number;
  outputs: number;
  before: number;
}

/**
 * Windows over maps as TensorFlow's SAME and VALID place them, written from its documentation
 * (tensorflow.org/api_docs/python/tf/nn, "Notes on padding"), for reference implementations.
 */
export function eachWindow(
  [rows, columns, channels]: [number, number, number],
  { kernel, stride, padding }: Window,
) {
  const [kernels, strides] = [kernel, stride].map((size) =>
    typeof size === 'number' ? [size, size] : size,
  ) as [number[], number[]];
  const axes = [rows, columns].map((length, axis) => {
    const [reach, step] = [kernels[axis] as number, strides[axis] as number];
    const outputs = Math.ceil((padding === 'same' ? length : length - reach + 1) / step);
    const before =
      padding === 'same' ? Math.floor(Math.max((outputs - 1) * step + reach - length, 0) / 2) : 0;
    return { reach, step, outputs, before };
  }) as [Axis, Axis];
  const [down, across] = axes;
  const [height, width] = [down.outputs, across.outputs];
  /** @param compute the channels of a window's output, from its pixels that are within the maps. */
  function windows(maps: PlainTensor | undefined, compute: (pixels: Pixel[]) => number[]): number[] {
    const values: number[] = [];
    for (let picture = 0; picture < (maps?.shape[0] ?? 0); picture++)
      for (let top = 0; top < height; top++)
        for (let left = 0; left < width; left++) {
          const pixels: Pixel[] = [];
          for (let row = 0; row < down.reach; row++)
            for (let column = 0; column < across.reach; column++) {
              const y = top * down.step - down.before + row;
              const x = left * across.step - across.before + column;
              if (y < 0 || y >= rows || x < 0 || x >= columns) continue;
              pixels.push({ row, column, at: ((picture * rows + y) * columns + x) * channels });
            }
          values.push(...compute(pixels));
        }
    return values;
  }
  return { height, width, windows };
}

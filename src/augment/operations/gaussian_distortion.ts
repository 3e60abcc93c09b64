import { distorted } from '../distort.ts';
import { operation } from '../operation.ts';
import { choice, integer, number } from '../parameters.ts';
import { normal } from '../random.ts';

/** The part of the bell's square [0, 1] x [0, 1] that a picture covers: x and y of its upper left corner, and its side. */
const parts = {
  bell: [0, 0, 1],
  upperLeft: [0.5, 0.5, 0.5],
  upperRight: [0, 0.5, 0.5],
  lowerLeft: [0.5, 0, 0.5],
  lowerRight: [0, 0, 0.5],
} as const;

/** Share of the magnitude by which even the least moved corners move. */
const minHeight = 0.01;

export const gaussianDistortion = operation({
  name: 'gaussianDistortion',
  summary: 'distorts elastically, by a bell curve: most in one corner or in the centre',
  probability: 0.5,
  parameters: {
    gridWidth: integer(2, 64, 8, 'tiles from left to right'),
    gridHeight: integer(2, 64, 8, 'tiles from top to bottom'),
    magnitude: number(0, 1000, 8, 'standard deviation of the moves where they are largest, in pixels'),
    corner: choice(Object.keys(parts) as (keyof typeof parts)[], 'bell', 'where the peak of the bell is'),
    method: choice(['in', 'out'], 'in', 'in: moves are largest at the peak; out: smallest'),
    mex: number(0, 1, 0.5, 'peak of the bell, from left (0) to right (1)'),
    mey: number(0, 1, 0.5, 'peak of the bell, from top (0) to bottom (1)'),
    sdx: number(0.001, 10, 0.05, 'width of the bell: twice its variance'),
    sdy: number(0.001, 10, 0.05, 'height of the bell: twice its variance'),
  },
  sample(random, { gridWidth, gridHeight, magnitude, corner, method, mex, mey, sdx, sdy }, size) {
    const bell = (x: number, y: number) => Math.exp(-((x - mex) ** 2 / sdx + (y - mey) ** 2 / sdy));
    const lowest = Math.min(bell(0, 0), bell(0, 1), bell(1, 0), bell(1, 1));
    const [left, top, side] = parts[corner];
    return distorted(size, gridWidth, gridHeight, (across, down) => {
      const height = (bell(left + side * across, top + side * down) - lowest) / (1 - lowest);
      const deviation = Math.max(minHeight, method === 'in' ? height : 1 - height) * magnitude;
      return [deviation * normal(random), deviation * normal(random)];
    });
  },
});

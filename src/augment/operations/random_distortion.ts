import { distorted } from '../distort.ts';
import { operation } from '../operation.ts';
import { integer, number } from '../parameters.ts';
import { between } from '../random.ts';

export const randomDistortion = operation({
  name: 'randomDistortion',
  summary: 'distorts elastically: moves the corners of a grid at random',
  probability: 0.5,
  parameters: {
    gridWidth: integer(2, 64, 8, 'tiles from left to right'),
    gridHeight: integer(2, 64, 8, 'tiles from top to bottom'),
    magnitude: number(
      0,
      1000,
      8,
      'how far a corner moves at most along each axis, in pixels (always less than half a tile)',
    ),
  },
  sample(random, { gridWidth, gridHeight, magnitude }, size) {
    const move = () => between(random, -magnitude, magnitude);
    return distorted(size, gridWidth, gridHeight, () => [move(), move()]);
  },
});

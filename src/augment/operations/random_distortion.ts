import { distorted } from '../distort.ts';
import { between, operation } from '../operation.ts';
import { integer, number } from '../parameters.ts';

export const randomDistortion = operation({
  name: 'randomDistortion',
  summary: 'elastic: the corners of a grid are moved, and what lies between them follows',
  probability: 0.5,
  parameters: {
    gridWidth: integer(2, 64, 8, 'tiles from left to right'),
    gridHeight: integer(2, 64, 8, 'tiles from top to bottom'),
    magnitude: number(0, 1000, 8, 'most pixels that a corner is moved each way (never half a tile)'),
  },
  sample(random, { gridWidth, gridHeight, magnitude }, size) {
    const move = () => between(random, -magnitude, magnitude);
    return distorted(size, gridWidth, gridHeight, () => [move(), move()]);
  },
});

import { operation } from '../operation.ts';
import { leftRight, skewed, skewParameters } from '../skew.ts';

export const skewLeftRight = operation({
  name: 'skewLeftRight',
  summary: 'tilts the picture, as if seen from the left or the right',
  probability: 0.5,
  parameters: skewParameters,
  sample: (random, { magnitude }, size) => skewed(random, magnitude, size, leftRight),
});

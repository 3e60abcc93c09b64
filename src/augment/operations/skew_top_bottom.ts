import { operation } from '../operation.ts';
import { skewed, skewParameters, topBottom } from '../skew.ts';

export const skewTopBottom = operation({
  name: 'skewTopBottom',
  summary: 'tilts the picture, as if seen from above or below',
  probability: 0.5,
  parameters: skewParameters,
  sample: (random, { magnitude }, size) => skewed(random, magnitude, size, topBottom),
});

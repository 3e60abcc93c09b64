import { operation } from '../operation.ts';
import { leftRight, skewed, skewParameters, topBottom } from '../skew.ts';

export const skewTilt = operation({
  name: 'skewTilt',
  summary: 'tilts the picture, as if seen from one of the four sides',
  probability: 0.5,
  parameters: skewParameters,
  sample: (random, { magnitude }, size) => skewed(random, magnitude, size, [...leftRight, ...topBottom]),
});

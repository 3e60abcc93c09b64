import { operation } from '../operation.ts';
import { corner, skewed, skewParameters } from '../skew.ts';

export const skewCorner = operation({
  name: 'skewCorner',
  summary: 'pulls one corner out along one side',
  probability: 0.5,
  parameters: skewParameters,
  sample: (random, { magnitude }, size) => skewed(random, magnitude, size, corner),
});

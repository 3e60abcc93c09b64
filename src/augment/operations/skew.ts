import { operation } from '../operation.ts';
import { oneOf } from '../random.ts';
import { corner, leftRight, skewed, skewParameters, topBottom } from '../skew.ts';

const kinds = [[...leftRight, ...topBottom], leftRight, topBottom, corner];

export const skew = operation({
  name: 'skew',
  summary: 'applies one of the skews: tilt, left or right, top or bottom, corner',
  probability: 0.5,
  parameters: skewParameters,
  sample: (random, { magnitude }, size) => skewed(random, magnitude, size, oneOf(random, kinds)),
});

import { adjustSaturation } from '../adjust.ts';
import { factors } from '../factors.ts';
import { operation } from '../operation.ts';
import { between } from '../random.ts';

export const colour = operation({
  name: 'colour',
  summary: 'makes colours paler or stronger: multiplies their distance from grey by a factor',
  probability: 0.5,
  parameters: factors(0.5, 1.5),
  sample: (random, { minFactor, maxFactor }) => adjustSaturation(between(random, minFactor, maxFactor)),
});

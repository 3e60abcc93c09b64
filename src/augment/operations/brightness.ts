import { adjustBrightness } from '../adjust.ts';
import { factors } from '../factors.ts';
import { operation } from '../operation.ts';
import { between } from '../random.ts';

export const brightness = operation({
  name: 'brightness',
  summary: 'multiplies every value by a factor',
  probability: 0.5,
  parameters: factors(0.7, 1.3),
  sample: (random, { minFactor, maxFactor }) => adjustBrightness(between(random, minFactor, maxFactor)),
});

import { adjustSharpness } from '../adjust.ts';
import { factors } from '../factors.ts';
import { operation } from '../operation.ts';
import { between } from '../random.ts';

export const sharpness = operation({
  name: 'sharpness',
  summary: 'multiplies the distance of every value from the smoothed picture by a factor',
  probability: 0.5,
  parameters: factors(0.2, 1.8),
  sample: (random, { minFactor, maxFactor }) => adjustSharpness(between(random, minFactor, maxFactor)),
});

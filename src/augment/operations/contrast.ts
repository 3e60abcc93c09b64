import { adjustContrast } from '../adjust.ts';
import { factors } from '../factors.ts';
import { operation } from '../operation.ts';
import { between } from '../random.ts';

export const contrast = operation({
  name: 'contrast',
  summary: 'multiplies the distance of every value from the mean luma by a factor',
  probability: 0.5,
  parameters: factors(0.7, 1.3),
  sample: (random, { minFactor, maxFactor }) => adjustContrast(between(random, minFactor, maxFactor)),
});

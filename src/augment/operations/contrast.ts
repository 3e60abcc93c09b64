import { moreContrast } from '../enhance.ts';
import { factors } from '../factors.ts';
import { between, operation } from '../operation.ts';

export const contrast = operation({
  name: 'contrast',
  summary: 'less or more contrast: every distance from the mean luma times a factor',
  probability: 0.5,
  parameters: factors(0.7, 1.3),
  sample: (random, { minFactor, maxFactor }) => moreContrast(between(random, minFactor, maxFactor)),
});

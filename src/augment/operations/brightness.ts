import { brighter } from '../enhance.ts';
import { factors } from '../factors.ts';
import { between, operation } from '../operation.ts';

export const brightness = operation({
  name: 'brightness',
  summary: 'darker or brighter: every value times a factor',
  probability: 0.5,
  parameters: factors(0.7, 1.3),
  sample: (random, { minFactor, maxFactor }) => brighter(between(random, minFactor, maxFactor)),
});

import { moreColour } from '../enhance.ts';
import { factors } from '../factors.ts';
import { between, operation } from '../operation.ts';

export const colour = operation({
  name: 'colour',
  summary: 'paler or stronger colours: every distance from grey times a factor',
  probability: 0.5,
  parameters: factors(0.5, 1.5),
  sample: (random, { minFactor, maxFactor }) => moreColour(between(random, minFactor, maxFactor)),
});

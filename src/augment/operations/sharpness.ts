import { sharper } from '../enhance.ts';
import { factors } from '../factors.ts';
import { between, operation } from '../operation.ts';

export const sharpness = operation({
  name: 'sharpness',
  summary: 'softer or sharper: every distance from the smoothed picture times a factor',
  probability: 0.5,
  parameters: factors(0.2, 1.8),
  sample: (random, { minFactor, maxFactor }) => sharper(between(random, minFactor, maxFactor)),
});

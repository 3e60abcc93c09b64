import { solarised } from '../enhance.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const solarise = operation({
  name: 'solarise',
  summary: 'bright values inverted',
  probability: 0.5,
  parameters: { threshold: integer(0, 256, 128, 'the least value that is inverted') },
  sample: (_random, { threshold }) => solarised(threshold),
});

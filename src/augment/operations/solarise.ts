import { solariseValues } from '../adjust.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const solarise = operation({
  name: 'solarise',
  summary: 'inverts bright values',
  probability: 0.5,
  parameters: { threshold: integer(0, 256, 128, 'value from which on values are inverted') },
  sample: (_random, { threshold }) => solariseValues(threshold),
});

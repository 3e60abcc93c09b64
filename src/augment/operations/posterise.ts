import { posterised } from '../enhance.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const posterise = operation({
  name: 'posterise',
  summary: 'fewer steps of each colour',
  probability: 0.5,
  parameters: { bits: integer(1, 8, 4, 'bits that are kept of each value') },
  sample: (_random, { bits }) => posterised(bits),
});

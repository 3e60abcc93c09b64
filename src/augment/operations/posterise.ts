import { posteriseValues } from '../adjust.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const posterise = operation({
  name: 'posterise',
  summary: 'reduces the bits of each value',
  probability: 0.5,
  parameters: { bits: integer(1, 8, 4, 'bits to keep of each value') },
  sample: (_random, { bits }) => posteriseValues(bits),
});

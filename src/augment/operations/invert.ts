import { lookup } from '../changes.ts';
import { operation } from '../operation.ts';

export const invert = operation({
  name: 'invert',
  summary: 'inverts every value: a negative',
  probability: 0.5,
  parameters: {},
  sample: () => lookup((value) => 255 - value),
});

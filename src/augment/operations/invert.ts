import { operation, values } from '../operation.ts';

export const invert = operation({
  name: 'invert',
  summary: 'the negative',
  probability: 0.5,
  parameters: {},
  sample: () => values((value) => 255 - value),
});

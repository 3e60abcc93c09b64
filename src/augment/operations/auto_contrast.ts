import { stretched } from '../enhance.ts';
import { operation } from '../operation.ts';

export const autoContrast = operation({
  name: 'autoContrast',
  summary: 'the values of each colour stretched to the whole range',
  probability: 0.5,
  parameters: {},
  sample: () => stretched,
});

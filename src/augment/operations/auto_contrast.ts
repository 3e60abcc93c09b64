import { stretchContrast } from '../adjust.ts';
import { operation } from '../operation.ts';

export const autoContrast = operation({
  name: 'autoContrast',
  summary: 'stretches the values of each colour to 0..255',
  probability: 0.5,
  parameters: {},
  sample: () => stretchContrast,
});

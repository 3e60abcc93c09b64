import { adjustSaturation } from '../adjust.ts';
import { operation } from '../operation.ts';

export const greyscale = operation({
  name: 'greyscale',
  summary: 'replaces colours by grey of the same luma',
  probability: 0.5,
  parameters: {},
  sample: () => adjustSaturation(0),
});

import { moreColour } from '../enhance.ts';
import { operation } from '../operation.ts';

export const greyscale = operation({
  name: 'greyscale',
  summary: 'grey of the same luma',
  probability: 0.5,
  parameters: {},
  sample: () => moreColour(0),
});

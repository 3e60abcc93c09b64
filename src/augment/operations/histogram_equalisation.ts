import { equalise } from '../adjust.ts';
import { operation } from '../operation.ts';

export const histogramEqualisation = operation({
  name: 'histogramEqualisation',
  summary: 'equalises the histogram of each colour',
  probability: 0.5,
  parameters: {},
  sample: () => equalise,
});

import { equalised } from '../enhance.ts';
import { operation } from '../operation.ts';

export const histogramEqualisation = operation({
  name: 'histogramEqualisation',
  summary: 'the values of each colour spread so that all are about as frequent',
  probability: 0.5,
  parameters: {},
  sample: () => equalised,
});

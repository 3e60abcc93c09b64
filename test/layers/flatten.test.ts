import { flatten } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(flatten, [
  {
    name: 'maps',
    inputs: [[3, 4, 5]],
    attributes: {},
    outputShape: [60],
    reference: ([x]) => [...(x?.values ?? [])],
  },
]);

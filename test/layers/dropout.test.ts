import { dropout } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(
  dropout,
  [[4, 5, 3], [6]].map((shape) => ({
    name: `inference on [${shape}]`,
    inputs: [shape],
    attributes: { rate: 0.25 },
    outputShape: shape,
    reference: ([x]) => [...(x?.values ?? [])],
    // TensorFlow's graphs hold the network in inference, which has no dropout.
    isLeftOutBy: ['tf-checkpoint', 'saved-model'],
  })),
);

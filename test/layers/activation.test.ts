import { activation } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

const functions = {
  relu: (x: number) => Math.max(0, x),
};

testLayer(
  activation,
  [[5, 4, 3], [7]].map((shape) => ({
    name: `relu of [${shape}]`,
    inputs: [shape],
    attributes: { function: 'relu' as const },
    outputShape: shape,
    reference: ([x]) => x?.values.map(functions.relu) ?? [],
  })),
);

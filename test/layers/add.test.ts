import { add } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(
  add,
  [[4, 5, 3], [6]].map((shape) => ({
    name: `[${shape}]`,
    inputs: [shape, shape],
    attributes: {},
    outputShape: shape,
    reference: ([one, other]) =>
      one?.values.map((value, index) => value + (other?.values[index] as number)) ?? [],
  })),
);

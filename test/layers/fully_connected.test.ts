import { fullyConnected } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(
  fullyConnected,
  [
    { inputs: 7, outputs: 5 },
    { inputs: 64, outputs: 1 },
  ].map(({ inputs, outputs }) => ({
    name: `${inputs} to ${outputs}`,
    inputs: [[inputs]],
    attributes: { outputs },
    outputShape: [outputs],
    reference: ([x], { weights, biases }) =>
      Array.from({ length: 2 * outputs }, (_, index) => {
        const [row, output] = [Math.floor(index / outputs), index % outputs];
        let sum = biases?.values[output] as number;
        for (let input = 0; input < inputs; input++)
          sum +=
            (x?.values[row * inputs + input] as number) *
            (weights?.values[input * outputs + output] as number);
        return sum;
      }),
  })),
);

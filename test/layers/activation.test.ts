import { type ActivationAttributes, activation } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

const relu6 = (x: number) => Math.min(Math.max(0, x), 6);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const functions: [attributes: ActivationAttributes, reference: (x: number) => number][] = [
  [{ function: 'relu' }, (x) => Math.max(0, x)],
  [{ function: 'relu6' }, relu6],
  [{ function: 'sigmoid' }, sigmoid],
  [{ function: 'swish' }, (x) => x * sigmoid(x)],
  [{ function: 'hardSigmoid' }, (x) => relu6(x + 3) / 6],
  [{ function: 'hardSwish' }, (x) => (x * relu6(x + 3)) / 6],
  [{ function: 'leakyRelu', alpha: 0.1 }, (x) => (x > 0 ? x : 0.1 * x)],
];

testLayer(
  activation,
  functions.flatMap(([attributes, reference]) =>
    [[5, 4, 3], [7]].map((shape) => ({
      name: `${attributes.function} of [${shape}]`,
      inputs: [shape],
      attributes,
      outputShape: shape,
      // Beyond 6 and -3, where relu6 and hardSwish have their corners.
      scale: 8,
      reference: ([x]) => x?.values.map(reference) ?? [],
    })),
  ),
);

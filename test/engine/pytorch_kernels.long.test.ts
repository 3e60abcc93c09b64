/** Depthwise convolution, what branches are made of, and the activation functions against PyTorch's, on every engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { activate, activationFunctions } from '../../src/engine/kernels/activation/operation.ts';
import { averagePool } from '../../src/engine/kernels/average_pool/operation.ts';
import { concatenate } from '../../src/engine/kernels/concat/operation.ts';
import { depthwiseConv2d } from '../../src/engine/kernels/depthwise_conv/operation.ts';
import { meanOfMaps, multiply, scaleMaps } from '../../src/engine/kernels/map_factors/operation.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { computeOn, machines } from './every_engine.ts';

const alpha = 0.1;
const values = (length: number, factor: number) => Array.from({ length }, (_, i) => Math.sin(i * factor) * 4);
const [xShape, filterShape, yShape] = [
  [2, 11, 14, 6],
  [5, 5, 6, 1],
  [2, 6, 7, 6],
] as const;
const task = {
  x: values(2 * 11 * 14 * 6, 1.3),
  xShape,
  filter: values(5 * 5 * 6, 0.7),
  kernel: 5,
  bias: values(6, 2.1),
  dy: values(2 * 6 * 7 * 6, 0.9),
  dJoined: values(2 * 6 * 7 * 12, 1.9),
  // SAME at stride 2: 11 pads (2, 2), 14 pads (1, 2).
  pads: [1, 2, 2, 2],
  stride: 2,
  values: values(101, 1.7).map((value) => value * 2),
  gradients: values(101, 0.3),
  alpha,
};

function assertNear(actual: ArrayLike<number>, expected: number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  const scale = Math.max(...expected.map(Math.abs));
  for (const [i, value] of expected.entries())
    assert.ok(
      Math.abs((actual[i] as number) - value) <= 2e-6 * scale,
      `${what}, ${i}: ${actual[i]}, not ${value}`,
    );
}

function depthwise() {
  const inputs = [
    tf.tensor(task.x, [...xShape]),
    tf.tensor(task.filter, [...filterShape]),
    tf.tensor(task.bias),
  ];
  const convolve = (...[x, filter, bias]: tf.Tensor[]) =>
    depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, bias as tf.Tensor1D, {
      stride: 2,
      padding: 'same',
    });
  const { value, grads } = tf.valueAndGrads(convolve)(inputs, tf.tensor(task.dy, [...yShape]));
  return [value, ...grads].map((one) => one.dataSync());
}

/** Averages of maps, and of maps that are scaled by their means, side by side. */
function branches() {
  const window = { kernel: 5, stride: 2, padding: 'same' } as const;
  const joined = (x: tf.Tensor) => {
    const maps = x as tf.Tensor4D;
    const gates = activate(meanOfMaps(maps), { function: 'hardSigmoid' });
    const excited = multiply(scaleMaps(maps, gates), maps) as tf.Tensor4D;
    return concatenate([averagePool(maps, window), averagePool(excited, window)]);
  };
  const x = tf.tensor(task.x, [...xShape]);
  const { value, grad } = tf.valueAndGrad(joined)(x, tf.tensor(task.dJoined, [2, 6, 7, 12]));
  return [value, grad].map((one) => one.dataSync());
}

test('kernels compute what PyTorch does', { skip: withoutPackage('torch') }, async () => {
  const expected = runPython(new URL('./pytorch_kernels.py', import.meta.url), JSON.stringify(task));
  for (const machine of machines) {
    const results = await computeOn(machine, depthwise);
    for (const [i, what] of ['y', 'dx', 'dfilter', 'dbias'].entries())
      assertNear(results[i] ?? [], expected.depthwise[i], `${what} on ${machine.engine}`);
    const branched = await computeOn(machine, branches);
    for (const [i, what] of ['branches', 'the gradient of branches'].entries())
      assertNear(branched[i] ?? [], expected.branches[i], `${what} on ${machine.engine}`);
    for (const name of activationFunctions) {
      const [y, dx] = await computeOn(machine, () => {
        const compute = (x: tf.Tensor) => activate(x, { function: name, alpha });
        const { value, grad } = tf.valueAndGrad(compute)(tf.tensor(task.values), tf.tensor(task.gradients));
        return [value.dataSync(), grad.dataSync()] as const;
      });
      assertNear(y, expected.activations[name][0], `${name} on ${machine.engine}`);
      assertNear(dx, expected.activations[name][1], `the gradient of ${name} on ${machine.engine}`);
    }
  }
});

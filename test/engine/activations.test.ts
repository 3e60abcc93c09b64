/** On every engine, against the formulas in plain JavaScript and their finite differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import {
  type ActivationFunction,
  activate,
  activationFunctions,
} from '../../src/engine/kernels/activation/operation.ts';
import { computeOn, machines } from './every_engine.ts';

const alpha = 0.1;
const relu6 = (x: number) => Math.min(Math.max(x, 0), 6);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const formulas: Record<ActivationFunction, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  relu6,
  sigmoid,
  swish: (x) => x * sigmoid(x),
  hardSigmoid: (x) => relu6(x + 3) / 6,
  hardSwish: (x) => (x * relu6(x + 3)) / 6,
  leakyRelu: (x) => (x > 0 ? x : alpha * x),
};

// 61 values: not a multiple of four. None lies on a corner, where the difference is not the derivative.
const xs = Float32Array.from({ length: 61 }, (_, i) => (i - 30) * 0.331 + 0.01);
const dys = Float32Array.from(xs, (_, i) => Math.cos(i) * 2);

function assertNear(actual: ArrayLike<number>, expected: number[], what: string): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs((actual[i] as number) - value);
    assert.ok(
      difference <= 1e-6 * Math.max(1, Math.abs(value)),
      `${what} at ${xs[i]}: ${actual[i]}, not ${value}`,
    );
  }
}

/** The value and the gradient, of a matrix: the shape stays. */
function compute(name: ActivationFunction, values = xs, dy = dys) {
  const { value, grad } = tf.valueAndGrad((x) => activate(x, { function: name, alpha }))(
    tf.tensor(values, [1, values.length]),
    tf.tensor(dy, [1, dy.length]),
  );
  assert.deepEqual(value.shape, [1, values.length]);
  return [value.dataSync(), grad.dataSync()] as const;
}

for (const name of activationFunctions) {
  test(`${name} and its gradient`, async () => {
    const formula = formulas[name];
    const step = 1e-5;
    const gradients = [...xs].map(
      (x, i) => ((dys[i] as number) * (formula(x + step) - formula(x - step))) / (2 * step),
    );
    for (const machine of machines) {
      const [y, dx] = await computeOn(machine, () => compute(name));
      assertNear(y, [...xs].map(formula), `${name} on ${machine.engine}`);
      assertNear(dx, gradients, `the gradient of ${name} on ${machine.engine}`);
    }
  });
}

test('at the corners the gradient of relu6 and hardSwish is that of the constant part', async () => {
  const ones = Float32Array.of(1, 1);
  for (const machine of machines) {
    const corners = await computeOn(machine, () => [
      [...compute('relu6', Float32Array.of(0, 6), ones)[1]],
      [...compute('hardSwish', Float32Array.of(-3, 3), ones)[1]],
    ]);
    assert.deepEqual(
      corners,
      [
        [0, 0],
        [0, 1],
      ],
      machine.engine,
    );
  }
});

test('far from zero sigmoid and swish neither overflow nor become NaN', async () => {
  const far = Float32Array.of(-1e30, -200, -90, 90, 200, 1e30);
  for (const machine of machines) {
    const [sigmoids, swishes] = await computeOn(machine, () => [
      compute('sigmoid', far, far)[0],
      compute('swish', far, far)[0],
    ]);
    for (const [i, x] of far.entries()) {
      assert.ok(
        Math.abs((sigmoids?.[i] as number) - (x > 0 ? 1 : 0)) < 1e-30,
        `sigmoid(${x}) on ${machine.engine}`,
      );
      const swish = swishes?.[i] as number;
      assert.ok(
        x > 0 ? swish === Math.fround(x) : Math.abs(swish) <= Math.abs(x) * 2e-38,
        `swish(${x}) on ${machine.engine}: ${swish}`,
      );
    }
  }
});

test('threads do not change the bits of an activation', async () => {
  const many = Float32Array.from({ length: 100_003 }, (_, i) => Math.sin(i) * 8);
  for (const name of activationFunctions) {
    const [one, two] = [
      await computeOn({ engine: 'wasm', threads: 1 }, () => compute(name, many, many)),
      await computeOn({ engine: 'wasm', threads: 2 }, () => compute(name, many, many)),
    ];
    assert.deepEqual(two, one, name);
  }
});

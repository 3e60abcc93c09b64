import assert from 'node:assert/strict';
import { test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { Adam } from '../../src/training/adam.ts';
import { softmaxCrossEntropy } from '../../src/training/step.ts';
import { computeOn, machines } from '../engine/every_engine.ts';

test('Adam follows Kingma and Ba’s formula', async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const variable = tf.variable(tf.tensor1d([1, -2]));
  const adam = new Adam(new Map([['w', variable]]));
  const gradients = [
    [0.5, -3],
    [-0.1, 2],
    [4, 0],
  ];
  const expected = [1, -2];
  const m = [0, 0];
  const v = [0, 0];
  for (const [index, gradient] of gradients.entries()) {
    const step = index + 1;
    adam.apply({ [variable.name]: tf.tensor1d(gradient) }, step, 0.01);
    for (const [i, g] of gradient.entries()) {
      m[i] = 0.9 * (m[i] as number) + 0.1 * g;
      v[i] = 0.999 * (v[i] as number) + 0.001 * g * g;
      const rate = (0.01 * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
      expected[i] = (expected[i] as number) - (rate * (m[i] as number)) / (Math.sqrt(v[i] as number) + 1e-8);
    }
  }
  const values = variable.dataSync();
  for (const [i, value] of expected.entries()) assert.ok(Math.abs((values[i] as number) - value) < 1e-6);
});

test('softmax cross-entropy is the mean of -log of the true class’s probability', () => {
  const logits = tf.tensor2d([
    [2, 0],
    [1, 3],
  ]);
  const share = (own: number, other: number) => Math.exp(own) / (Math.exp(own) + Math.exp(other));
  const expected = -(Math.log(share(2, 0)) + Math.log(share(1, 3))) / 2;
  assert.ok(Math.abs((softmaxCrossEntropy(logits, [0, 0]).dataSync()[0] as number) - expected) < 1e-6);
});

test('softmax cross-entropy stays finite for large logits', () => {
  const loss = softmaxCrossEntropy(tf.tensor2d([[1234, -4322]]), [1]).dataSync()[0];
  assert.equal(loss, 1234 + 4322);
});

/** The least float32 that has all its digits. */
const leastNormal = 2 ** -126;
/** A number of weights that no vector divides. */
const count = 37;

/** Adam in float32, number by number, which keeps denormal moments. */
function plainAdam(
  weights: Float32Array,
  gradientAt: (step: number, index: number) => number,
  steps: number,
) {
  const [m, v] = [new Float32Array(count), new Float32Array(count)];
  const f = Math.fround;
  for (let step = 1; step <= steps; step++) {
    const stepSize = f((1e-3 * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step));
    for (const [i, weight] of weights.entries()) {
      const g = f(gradientAt(step, i));
      const [oldM, oldV] = [m[i] as number, v[i] as number];
      m[i] = oldM + f(f(1 - 0.9) * f(g - oldM));
      v[i] = oldV + f(f(1 - 0.999) * f(f(g * g) - oldV));
      weights[i] = weight - f(f(stepSize * (m[i] as number)) / f(f(Math.sqrt(v[i] as number)) + f(1e-8)));
    }
  }
  return { m, v };
}

for (const machine of machines.filter(({ engine }) => engine !== 'cpu')) {
  test(`moments of dead weights become 0, and no weight another, on ${machine.engine}, ${machine.threads} threads`, () =>
    computeOn(machine, () => {
      const start = Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1));
      // Two of three weights learn once, with gradients down to those whose squares are denormal numbers.
      const gradientAt = (step: number, i: number) =>
        step === 1 || i % 3 === 0 ? Math.cos(7 * i + step) * 10 ** -(i % 22) : 0;
      const steps = 1000;
      const expected = start.slice();
      const plain = plainAdam(expected, gradientAt, steps);
      const isDenormal = (value: number) => value !== 0 && Math.abs(value) < leastNormal;
      assert.ok(plain.m.some(isDenormal) && plain.v.some(isDenormal), 'the reference has denormal moments');

      const variable = tf.variable(tf.tensor1d(start));
      const adam = new Adam(new Map([['w', variable]]));
      for (let step = 1; step <= steps; step++) {
        const gradient = tf.tensor1d(Float32Array.from({ length: count }, (_, i) => gradientAt(step, i)));
        adam.apply({ [variable.name]: gradient }, step, 1e-3);
        gradient.dispose();
      }
      const moments = adam.moments;
      for (const name of ['m', 'v'] as const) {
        const values = moments.get(`w/${name}`)?.dataSync() as Float32Array;
        assert.deepEqual([...values].filter(isDenormal), [], name);
        // Where the reference has a moment that matters, it is here too. The native engine may round otherwise.
        for (const [i, value] of plain[name].entries())
          if (Math.abs(value) > 1e-25)
            assert.ok(
              Math.abs((values[i] as number) / value - 1) < 1e-4,
              `${name}[${i}]: ${values[i]}, ${value}`,
            );
      }
      const weights = variable.dataSync() as Float32Array;
      if (machine.engine === 'wasm') assert.deepEqual(weights, expected);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs((weights[i] as number) - value) < 1e-6);
      adam.dispose();
      variable.dispose();
    }));
}

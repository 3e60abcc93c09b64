import assert from 'node:assert/strict';
import { test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { Adam } from '../../src/training/adam.ts';
import { softmaxCrossEntropy } from '../../src/training/step.ts';

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

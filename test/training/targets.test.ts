import assert from 'node:assert/strict';
import { test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../../src/training/step.ts';
import { balancedWeights, targetsOf } from '../../src/training/targets.ts';

const pixels = new Uint8Array(0);

test('label smoothing spreads its share evenly over all classes', () => {
  const { probabilities, weights } = targetsOf({ pixels, labels: [2, 0] }, 4, { labelSmoothing: 0.2 });
  const expected = [0.05, 0.05, 0.85, 0.05, 0.85, 0.05, 0.05, 0.05];
  for (const [index, share] of probabilities.entries())
    assert.ok(Math.abs(share - (expected[index] as number)) < 1e-6);
  assert.equal(weights, undefined);
});

test('balanced weights equal scikit-learn’s, and a mixed picture has the weighted mean of its classes’', () => {
  // compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 0, 0, 1, 1, 2])
  const classWeights = balancedWeights([0, 0, 0, 1, 1, 2], 3);
  assert.deepEqual(classWeights, [6 / 9, 1, 2]);
  const mixed = { pixels, labels: [0, 2], softLabels: Float32Array.of(0.5, 0, 0.5, 0, 0, 1) };
  const { weights } = targetsOf(mixed, 3, { labelSmoothing: 0.1, classWeights });
  assert.ok(Math.abs((weights?.[0] as number) - (6 / 9 + 2) / 2) < 1e-6);
  assert.equal(weights?.[1], 2);
});

test('a picture’s weight multiplies its loss and its gradient', async () => {
  await tf.setBackend('cpu');
  const logits = tf.tensor2d([
    [1, -1],
    [0.5, 2],
  ]);
  const plain = tf.valueAndGrad((x) => softmaxCrossEntropy(x as tf.Tensor2D, [0, 0]))(logits);
  const targets = targetsOf({ pixels, labels: [0, 0] }, 2, { labelSmoothing: 0, classWeights: [3, 1] });
  const weighted = tf.valueAndGrad((x) => softmaxCrossEntropy(x as tf.Tensor2D, targets))(logits);
  assert.ok(
    Math.abs((weighted.value.dataSync()[0] as number) - 3 * (plain.value.dataSync()[0] as number)) < 1e-5,
  );
  for (const [index, value] of weighted.grad.dataSync().entries())
    assert.ok(Math.abs(value - 3 * (plain.grad.dataSync()[index] as number)) < 1e-6);
});

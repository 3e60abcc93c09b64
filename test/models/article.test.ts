import assert from 'node:assert/strict';
import { test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createModel, type ModelDescription } from '../../src/models/model.ts';

const description: ModelDescription = {
  architecture: 'article',
  width: 100,
  height: 100,
  channels: 3,
  classes: ['bat', 'sup'],
};

test('the article’s network has the article’s shapes', async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const model = createModel(description);
  assert.deepEqual(
    model.layers.map(({ name, outputShape }) => [name, outputShape]),
    [
      ['conv1', [100, 100, 16]],
      ['pool1', [50, 50, 16]],
      ['relu1', [50, 50, 16]],
      ['conv2', [50, 50, 32]],
      ['pool2', [25, 25, 32]],
      ['relu2', [25, 25, 32]],
      ['conv3', [25, 25, 64]],
      ['pool3', [13, 13, 64]],
      ['relu3', [13, 13, 64]],
      ['flatten', [10816]],
      ['fc1', [1024]],
      ['relu4', [1024]],
      ['logits', [2]],
    ],
  );
  const parameters = [...model.variables.values()].reduce((sum, { size }) => sum + size, 0);
  const counted = 75 * 16 + 16 + 16 * 16 * 32 + 32 + 9 * 32 * 64 + 64 + 10816 * 1024 + 1024 + 1024 * 2 + 2;
  assert.equal(parameters, counted);
  model.dispose();
});

test('two models of one seed are equal, of two seeds are not, and live side by side', async () => {
  await tf.setBackend('cpu');
  const small = { ...description, width: 16, height: 16 };
  const [a, b, c] = [createModel(small), createModel(small), createModel(small, { seed: 2 })];
  const weights = (model: typeof a) => model.variables.get('fc1/weights')?.dataSync();
  assert.deepEqual(weights(a), weights(b));
  assert.notDeepEqual(weights(a), weights(c));
  a.dispose();
  const logits = b.forward(tf.zeros([1, 16, 16, 3]));
  assert.deepEqual(logits.shape, [1, 2]);
});

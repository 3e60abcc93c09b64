import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { clipGradients } from '../../src/training/clip_gradients.ts';
import {
  averageWithStart,
  currentWeights,
  movingAverage,
  weightsToTrain,
  withAverages,
} from '../../src/training/weight_average.ts';

before(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const valuesOf = (tensor: tf.Tensor | undefined) => [...(tensor?.dataSync() ?? [])];

test('averages follow the weights, more slowly after many steps, and replace them in evaluation', async () => {
  const variable = tf.variable(tf.tensor1d([1, -1]));
  const variables = new Map([['a/weights', variable]]);
  const average = movingAverage(variables, 0.5);
  const expected = [1, -1];
  for (const step of [1, 2, 9, 50]) {
    const weights = [step, step * step];
    variable.assign(tf.tensor1d(weights));
    average.update(step);
    const decay = Math.min(0.5, (1 + step) / (10 + step));
    for (const [i, weight] of weights.entries())
      expected[i] = decay * (expected[i] as number) + (1 - decay) * weight;
  }
  const during = await withAverages(variables, average.averages, async () => valuesOf(variable));
  for (const [i, value] of expected.entries()) assert.ok(Math.abs((during[i] as number) - value) < 1e-3);
  assert.deepEqual(valuesOf(average.averages.get('a/weights')), during);
  assert.deepEqual(valuesOf(variable), [50, 2500]);
  await assert.rejects(
    withAverages(variables, average.averages, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.deepEqual(valuesOf(variable), [50, 2500]);
});

test('the average with the start is a quarter of the way to it, also where training is resumed', () => {
  const variable = tf.variable(tf.tensor1d([2, -4]));
  const variables = new Map([['a/weights', variable]]);
  const first = averageWithStart(variables, new Map());
  variable.assign(tf.tensor1d([4, 0]));
  first.update(1);
  assert.deepEqual(valuesOf(first.averages.get('a/weights')), [3.5, -1]);
  const saved = new Map([...first.memory].map(([name, one]) => [name, Float32Array.from(valuesOf(one))]));
  const resumed = averageWithStart(variables, saved);
  assert.deepEqual(valuesOf(resumed.averages.get('a/weights')), [3.5, -1]);
  resumed.restart(['a/weights']);
  assert.deepEqual(valuesOf(resumed.averages.get('a/weights')), [4, 0]);
});

test('a checkpoint’s averages predict, and training continues from its weights', () => {
  const variable = tf.variable(tf.tensor1d([7]));
  const [saved] = currentWeights(new Map([['a/weights', variable]]));
  const optimizer = new Map([[saved?.name as string, saved?.read() as Float32Array]]);
  const weights = new Map([
    ['a/weights', Float32Array.of(5)],
    ['b/weights', Float32Array.of(6)],
  ]);
  assert.deepEqual(
    [...weightsToTrain(weights, optimizer)].map(([name, values]) => [name, values[0]]),
    [
      ['a/weights', 7],
      ['b/weights', 6],
    ],
  );
});

test('gradients are scaled down together to the norm, and smaller ones are unchanged', () => {
  const gradients = { a: tf.tensor1d([3, 0]), b: tf.tensor2d([[0, 4]]) };
  const clipped = clipGradients(gradients, 1);
  assert.deepEqual(valuesOf(clipped.a), [Math.fround(0.6), 0]);
  assert.deepEqual(valuesOf(clipped.b), [0, Math.fround(0.8)]);
  assert.deepEqual(valuesOf(clipGradients(gradients, 5).a), [3, 0]);
});

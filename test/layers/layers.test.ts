import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../src/errors.ts';
import {
  activationLayer,
  addBiases,
  addWeights,
  convLayer,
  flatteningLayer,
  fullyConnectedLayer,
  poolingLayer,
  Scope,
  zeroPaddingLayer,
} from '../../src/layers/index.ts';

before(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

test('weights are a normal of deviation 0.05, cut at two deviations', () => {
  const values = [...addWeights([100, 100], 1).dataSync()];
  assert.ok(values.every((value) => Math.abs(value) <= 0.1));
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  // A standard normal cut at two deviations has a deviation of 0.8796.
  assert.ok(Math.abs(deviation - 0.05 * 0.8796) < 0.001, `deviation ${deviation}`);
  assert.deepEqual(addWeights([3, 3], 7).dataSync(), addWeights([3, 3], 7).dataSync());
});

test('biases are 0.05', () => {
  assert.deepEqual([...addBiases([3]).dataSync()], Array(3).fill(Math.fround(0.05)));
});

test('convolution pads with SAME and adds the bias', () => {
  const scope = new Scope(
    1,
    new Map([
      ['conv1/weights', Float32Array.from({ length: 9 }, () => 1)],
      ['conv1/biases', Float32Array.of(0.5)],
    ]),
  );
  const picture = tf.ones([1, 3, 3, 1]);
  const output = convLayer(picture, { kernel: 3, inputChannels: 1, outputChannels: 1, stride: 1 }, scope);
  // A 3x3 box over ones counts the neighbours that lie within the picture.
  assert.deepEqual(
    [...output.dataSync()],
    [4, 6, 4, 6, 9, 6, 4, 6, 4].map((count) => count + 0.5),
  );
});

test('pooling takes the largest of each window', () => {
  const picture = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const output = poolingLayer(picture, { kernel: 2, stride: 2 });
  assert.deepEqual(output.shape, [1, 2, 2, 1]);
  assert.deepEqual([...output.dataSync()], [5, 6, 8, 9]);
});

test('zeros are put around the maps, and no gradient comes from them', () => {
  const picture = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const sides = { top: 1, left: 2, bottom: 0, right: 1 };
  const output = zeroPaddingLayer(picture, sides);
  assert.deepEqual(output.shape, [1, 3, 5, 1]);
  assert.deepEqual([...output.dataSync()], [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 0]);
  const dy = tf.tensor4d([...Array(15).keys()], [1, 3, 5, 1]);
  const gradient = tf.grad((x) => zeroPaddingLayer(x, sides))(picture, dy);
  assert.deepEqual([...gradient.dataSync()], [7, 8, 12, 13]);
});

test('without padding, only windows within the maps count', () => {
  const scope = new Scope(1, new Map([['conv1/weights', Float32Array.of(1, 1, 1, 1)]]));
  const picture = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const options = { kernel: 2, inputChannels: 1, outputChannels: 1, stride: 1, padding: 'valid' } as const;
  const convolved = convLayer(picture, { ...options, biases: false }, scope);
  assert.deepEqual([...convolved.dataSync()], [12, 16, 24, 28]);
  const pooled = poolingLayer(picture, { kernel: 2, stride: 2, padding: 'valid' }, scope);
  assert.deepEqual([...pooled.dataSync()], [5]);
  assert.deepEqual(
    scope.layers.map(({ attributes }) => attributes.padding),
    ['valid', 'valid'],
  );
  assert.throws(
    () => poolingLayer(picture, { kernel: 4, stride: 1, padding: 'valid' }),
    /pool1 has a kernel of 4, larger than its input of 3 x 3/,
  );
});

test('activation keeps what is above zero', () => {
  assert.deepEqual([...activationLayer(tf.tensor2d([[-1, 0, 2]])).dataSync()], [0, 0, 2]);
});

test('flattening gives one row a picture and its new size', () => {
  const { layer, size } = flatteningLayer(tf.zeros([2, 3, 4, 5]));
  assert.equal(size, 60);
  assert.deepEqual(layer.shape, [2, 60]);
});

test('fully connected is a matrix product plus bias', () => {
  const scope = new Scope(
    1,
    new Map([
      ['fc1/weights', Float32Array.of(1, 2, 3, 4)],
      ['fc1/biases', Float32Array.of(10, 20)],
    ]),
  );
  const output = fullyConnectedLayer(tf.tensor2d([[1, 1]]), { inputs: 2, outputs: 2 }, scope);
  assert.deepEqual([...output.dataSync()], [14, 26]);
});

test('a shape that does not fit names the layer', () => {
  const scope = new Scope();
  const maps = convLayer(
    tf.zeros([1, 8, 8, 3]),
    { kernel: 3, inputChannels: 3, outputChannels: 4, stride: 1 },
    scope,
  );
  const wrong: [() => unknown, RegExp][] = [
    [
      () => convLayer(maps, { kernel: 3, inputChannels: 3, outputChannels: 4, stride: 1 }, scope),
      /^conv2 has inputChannels 3, but its input has 4 channels/,
    ],
    [
      () => convLayer(maps, { kernel: 0, inputChannels: 4, outputChannels: 4, stride: 1 }, scope),
      /^conv2 needs kernel to be a whole number of at least 1, not 0/,
    ],
    [
      () => poolingLayer(tf.zeros([2, 3]), { kernel: 2, stride: 2 }, scope),
      /^pool1 needs feature maps .* its input is \[3\]/,
    ],
    [() => flatteningLayer(tf.zeros([2, 3]), scope), /^flatten needs feature maps/],
    [
      () => fullyConnectedLayer(tf.zeros([1, 5]), { inputs: 6, outputs: 2 }, scope),
      /^fc1 has inputs: 6, but its input has 5 features/,
    ],
  ];
  for (const [call, message] of wrong) {
    assert.throws(call, (error) => error instanceof UserError && message.test(error.message));
  }
});

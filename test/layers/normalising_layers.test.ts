import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../src/errors.ts';
import {
  addLayer,
  batchNormLayer,
  convLayer,
  dropoutLayer,
  globalAveragePoolingLayer,
  Scope,
} from '../../src/layers/index.ts';

before(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

/** Numbers that look random and are the same each time. */
function noise(size: number, scale = 1): Float32Array {
  return Float32Array.from({ length: size }, (_, index) => scale * Math.sin(index * 12.9898 + index * index));
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    assert.ok(difference < tolerance, `element ${i}: ${actual[i]} instead of ${expected[i]}`);
  }
}

/** A layer's gradient by x against differences of its outputs, weighted so that they do not cancel out. */
function checkGradient(layer: (x: tf.Tensor) => tf.Tensor, shape: number[]): void {
  const x = noise(shape.reduce((product, length) => product * length, 1));
  const weigh = (output: tf.Tensor) => tf.tensor(noise(output.size).map(Math.abs), output.shape);
  const output = layer(tf.tensor(x, shape));
  const dy = weigh(output);
  const gradient = tf.grad(layer)(tf.tensor(x, shape), dy).dataSync();
  const value = (values: Float32Array) =>
    tf.sum(tf.mul(layer(tf.tensor(values, shape)), dy)).dataSync()[0] as number;
  const distance = 1e-2;
  const differences = x.map((_, index) => {
    const moved = (by: number) => x.map((one, at) => (at === index ? one + by : one));
    return (value(moved(distance)) - value(moved(-distance))) / (2 * distance);
  });
  assertClose(gradient, differences, 2e-3);
}

/** A scope whose variables have been made by a pass, in a new pass. */
function learningScope(step = 1): Scope {
  const scope = new Scope(3);
  scope.begin(undefined, { step });
  return scope;
}

test('batch normalisation gives each channel the scale and offset as deviation and mean', () => {
  const scope = learningScope();
  scope.state.set('norm1/mean', tf.variable(tf.tensor1d([1, 1])));
  const x = tf.tensor(noise(48, 5), [2, 3, 4, 2]);
  const values = batchNormLayer(x, {}, scope);
  const { mean, variance } = tf.moments(values, [0, 1, 2]);
  assertClose(mean.dataSync(), [0, 0], 1e-5);
  assertClose(variance.dataSync(), [1, 1], 1e-3);
  const ofBatch = tf.moments(x, [0, 1, 2]);
  const moving = (name: string) => scope.state.get(name)?.dataSync() as Float32Array;
  assertClose(
    moving('norm1/mean'),
    ofBatch.mean.dataSync().map((one) => 0.9 + 0.1 * one),
    1e-5,
  );
  assertClose(
    moving('norm1/variance'),
    ofBatch.variance.dataSync().map((one) => 0.9 + 0.1 * one),
    1e-5,
  );
});

test('batch normalisation answers by the moving averages, and leaves them', () => {
  const restored = new Map([
    ['norm1/scale', Float32Array.of(2)],
    ['norm1/offset', Float32Array.of(0.5)],
    ['norm1/mean', Float32Array.of(3)],
    ['norm1/variance', Float32Array.of(4 - 1e-3)],
  ]);
  const scope = new Scope(1, restored);
  const output = batchNormLayer(tf.tensor4d([3, 5, 1, 7], [1, 2, 2, 1]), {}, scope);
  assertClose(output.dataSync(), [0.5, 2.5, -1.5, 4.5], 1e-5);
  assert.deepEqual([...(scope.state.get('norm1/mean')?.dataSync() ?? [])], [3]);
  assert.deepEqual([...scope.variables.keys()], ['norm1/scale', 'norm1/offset']);
  const [summary] = scope.layers;
  assert.equal(summary?.kind, 'batchNorm');
  assert.deepEqual(summary?.state, [
    { name: 'norm1/mean', shape: [1] },
    { name: 'norm1/variance', shape: [1] },
  ]);
});

test('gradients are those of the differences', () => {
  checkGradient((x) => batchNormLayer(x, {}, learningScope()), [3, 2, 2, 2]);
  checkGradient((x) => batchNormLayer(x, {}, learningScope()), [6, 3]);
  checkGradient((x) => batchNormLayer(x, {}, new Scope()), [2, 2, 2, 2]);
  checkGradient((x) => globalAveragePoolingLayer(x), [2, 2, 3, 2]);
  checkGradient((x) => addLayer(x, batchNormLayer(x, {}, learningScope())), [4, 3]);
  checkGradient((x) => dropoutLayer(x, { rate: 0.4 }, learningScope()), [4, 5]);
  const biasless = { kernel: 3, inputChannels: 2, outputChannels: 3, stride: 2, biases: false };
  checkGradient((x) => convLayer(x, biasless, new Scope(2)), [1, 4, 4, 2]);
});

test('addition tells both layers that it reads', () => {
  const scope = new Scope();
  const options = { kernel: 1, inputChannels: 1, outputChannels: 2, stride: 1, biases: false };
  const a = convLayer(tf.ones([1, 2, 2, 1]), options, scope);
  const b = batchNormLayer(a, {}, scope);
  addLayer(b, a, scope);
  assert.deepEqual(
    scope.layers.map(({ name, inputs }) => [name, inputs]),
    [
      ['conv1', []],
      ['norm1', ['conv1']],
      ['add1', ['norm1', 'conv1']],
    ],
  );
  assert.deepEqual([...scope.variables.keys()], ['conv1/weights', 'norm1/scale', 'norm1/offset']);
});

test('global average pooling is the mean of each map', () => {
  const maps = tf.tensor4d([1, 10, 2, 20, 3, 30, 6, 40], [1, 2, 2, 2]);
  assert.deepEqual([...globalAveragePoolingLayer(maps).dataSync()], [3, 25]);
});

test('dropout keeps the mean, depends on the step alone, and does nothing while answering', () => {
  const ones = tf.ones([100, 100]);
  const dropped = (step: number) => dropoutLayer(ones, { rate: 0.25 }, learningScope(step)).dataSync();
  const first = dropped(1);
  const kept = first.filter((value) => value > 0);
  assert.ok(kept.every((value) => value === Math.fround(4 / 3)));
  // Three standard deviations of a binomial of 10,000 and 0.75.
  assert.ok(Math.abs(kept.length - 7500) < 130, `${kept.length} kept`);
  assert.deepEqual(dropped(1), first);
  assert.notDeepEqual(dropped(2), first);
  assert.deepEqual([...dropoutLayer(ones, { rate: 0.25 }, new Scope()).dataSync()], Array(10_000).fill(1));
});

test('what does not fit names the layer', () => {
  const wrong: [() => unknown, RegExp][] = [
    [() => addLayer(tf.zeros([1, 2]), tf.zeros([1, 3])), /^add1 needs two inputs .* but has \[2\] and \[3\]/],
    [() => globalAveragePoolingLayer(tf.zeros([1, 2])), /^average1 needs feature maps/],
    [() => dropoutLayer(tf.zeros([1, 2]), { rate: 1 }), /^dropout1 needs rate .* not 1\.$/],
  ];
  for (const [call, message] of wrong)
    assert.throws(call, (error) => error instanceof UserError && message.test(error.message));
});

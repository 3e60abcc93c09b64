/**
 * Batch normalisation with what surrounds it in networks (relu, max-pooling, an addition) on every engine, compared with the
 * definition in double precision: the native engine computes them together.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '../../src/engine/gradients.ts';
import { normaliseBatch } from '../../src/engine/kernels/batch_norm/operation.ts';
import { activationLayer, addLayer, poolingLayer, Scope } from '../../src/layers/index.ts';
import { computeOn, machines } from './every_engine.ts';

const epsilon = 1e-3;

interface Pooling {
  kernel: number;
  stride: number;
  padding: 'valid' | 'same';
}

interface Case {
  /** [batch, height, width, channels] */
  shape: [number, number, number, number];
  adds?: boolean;
  relu?: boolean;
  pooling?: Pooling;
}

// Channels that are whole vectors, that are not, and fewer than one; sizes that the windows do not divide; rows in many blocks.
const cases: Case[] = [
  { shape: [3, 5, 4, 16] },
  { shape: [1, 1, 1, 3] },
  { shape: [1, 1, 1, 16], relu: true },
  { shape: [2, 7, 5, 37], relu: true },
  { shape: [2, 30, 41, 64], relu: true },
  { shape: [4, 60, 50, 3], relu: true },
  { shape: [1, 9, 8, 80], relu: true },
  { shape: [2, 6, 6, 21], adds: true },
  { shape: [2, 6, 6, 21], adds: true, relu: true },
  { shape: [3, 31, 17, 32], adds: true, relu: true },
  { shape: [2, 8, 6, 32], relu: true, pooling: { kernel: 2, stride: 2, padding: 'valid' } },
  { shape: [3, 25, 13, 19], relu: true, pooling: { kernel: 2, stride: 2, padding: 'valid' } },
  { shape: [1, 25, 13, 48], relu: true, pooling: { kernel: 2, stride: 2, padding: 'same' } },
  { shape: [2, 11, 10, 16], relu: true, pooling: { kernel: 3, stride: 3, padding: 'same' } },
  { shape: [2, 11, 10, 16], relu: true, pooling: { kernel: 2, stride: 3, padding: 'valid' } },
  { shape: [2, 11, 10, 16], relu: true, pooling: { kernel: 3, stride: 2, padding: 'same' } },
  { shape: [2, 8, 6, 5], pooling: { kernel: 2, stride: 2, padding: 'valid' } },
  { shape: [2, 8, 6, 32], adds: true, relu: true, pooling: { kernel: 2, stride: 2, padding: 'valid' } },
];

/** Evenly distributed in -1..1. */
function noise(size: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function inputsFor({ shape }: Case) {
  const channels = shape[3];
  const size = shape.reduce((product, length) => product * length, 1);
  return {
    x: noise(size, 1).map((value) => 3 + 2 * value),
    scale: noise(channels, 2).map((value) => value + (value < 0 ? -0.5 : 0.5)),
    offset: noise(channels, 3),
    other: noise(size, 4),
  };
}

type Inputs = ReturnType<typeof inputsFor>;

function compute(one: Case, [x, scale, offset, other]: tf.Tensor[]): tf.Tensor {
  let y: tf.Tensor = normaliseBatch(x as tf.Tensor, { scale, offset } as never, epsilon, () => {});
  if (one.adds) y = addLayer(y, other as tf.Tensor);
  if (one.relu) y = activationLayer(y);
  return one.pooling ? poolingLayer(y as tf.Tensor4D, one.pooling, new Scope(1)) : y;
}

/** The output, and the indices of the inputs that its elements are. */
function pool(y: Float64Array, { shape, pooling }: Case) {
  if (!pooling) return { y, from: Array.from(y, (_, index) => index) };
  const [batch, height, width, channels] = shape;
  const { kernel, stride, padding } = pooling;
  const info = tf.backend_util.computePool2DInfo(shape, kernel, stride, 1, padding);
  const from: number[] = [];
  for (let picture = 0; picture < batch; picture++)
    for (let row = 0; row < info.outHeight; row++)
      for (let column = 0; column < info.outWidth; column++)
        for (let c = 0; c < channels; c++) {
          let best = -1;
          for (let i = 0; i < kernel * kernel; i++) {
            const at = [row * stride - info.padInfo.top, column * stride - info.padInfo.left];
            const [h, w] = [(at[0] as number) + Math.floor(i / kernel), (at[1] as number) + (i % kernel)];
            if (h < 0 || h >= height || w < 0 || w >= width) continue;
            const index = ((picture * height + h) * width + w) * channels + c;
            if (best < 0 || (y[index] as number) > (y[best] as number)) best = index;
          }
          from.push(best);
        }
  return { y: Float64Array.from(from, (index) => y[index] as number), from };
}

/** Output and gradients by the definitions (Ioffe and Szegedy 2015, section 3). dy: the output's gradient by its size. */
function expected(one: Case, { x, scale, offset, other }: Inputs, dyOf: (size: number) => Float32Array) {
  const channels = one.shape[3];
  const rows = x.length / channels;
  const of = (values: ArrayLike<number>, at: number) => values[at % channels] as number;
  const sums = (value: (at: number) => number) => {
    const all = new Float64Array(channels);
    for (let at = 0; at < x.length; at++) all[at % channels] = of(all, at) + value(at);
    return all;
  };
  const mean = sums((at) => (x[at] as number) / rows);
  const variance = sums((at) => ((x[at] as number) - of(mean, at)) ** 2 / rows);
  const inverse = variance.map((value) => 1 / Math.sqrt(value + epsilon));
  const normalised = Float64Array.from(x, (value, at) => (value - of(mean, at)) * of(inverse, at));
  const before = normalised.map(
    (value, at) => value * of(scale, at) + of(offset, at) + (one.adds ? (other[at] as number) : 0),
  );
  const { y, from } = pool(one.relu ? before.map((value) => Math.max(value, 0)) : before, one);
  const dy = dyOf(y.length);
  const dz = new Float64Array(x.length);
  for (const [index, at] of from.entries())
    if (!one.relu || (before[at] as number) > 0) dz[at] = (dz[at] as number) + (dy[index] as number);
  const dOffset = sums((at) => dz[at] as number);
  const dScale = sums((at) => (dz[at] as number) * (normalised[at] as number));
  const dx = dz.map((value, at) => {
    const common = (of(dOffset, at) + (normalised[at] as number) * of(dScale, at)) / rows;
    return of(scale, at) * of(inverse, at) * (value - common);
  });
  return { y, dy, gradients: [dx, dScale, dOffset, ...(one.adds ? [dz] : [])] };
}

function assertClose(what: string, actual: ArrayLike<number>, wanted: Float64Array): void {
  assert.equal(actual.length, wanted.length);
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const [at, value] of wanted.entries()) {
    const difference = Math.abs((actual[at] as number) - value) / largest;
    assert.ok(difference < 1e-5, `${what}, element ${at}: ${actual[at]} instead of ${value}`);
  }
}

for (const machine of machines) {
  describe(`${machine.engine}, ${machine.threads} threads`, () => {
    for (const one of cases) {
      test(`${JSON.stringify(one)}`, () =>
        computeOn(machine, () => {
          const inputs = inputsFor(one);
          const wanted = expected(one, inputs, (size) => noise(size, 5));
          const given = [
            tf.tensor(inputs.x, one.shape),
            tf.tensor1d(inputs.scale),
            tf.tensor1d(inputs.offset),
            ...(one.adds ? [tf.tensor(inputs.other, one.shape)] : []),
          ];
          const y = compute(one, given);
          assertClose('y', y.dataSync(), wanted.y);
          const gradients = tf.grads((...all: tf.Tensor[]) => compute(one, all))(
            given,
            tf.tensor(wanted.dy, y.shape),
          );
          for (const [index, gradient] of wanted.gradients.entries())
            assertClose(`gradient ${index}`, (gradients[index] as tf.Tensor).dataSync(), gradient);
        }));
    }

    test('a mean far from zero costs no accuracy', () =>
      computeOn(machine, () => {
        const [rows, channels] = [20_000, 24];
        const values = noise(rows * channels, 7).map((value) => 1000 + value);
        const x = tf.tensor(values, [2, 100, 100, channels]);
        const vector = (value: number) => tf.fill([channels], value) as tf.Tensor1D;
        normaliseBatch(x, { scale: vector(1), offset: vector(0) }, epsilon, ({ mean, variance }) => {
          const [means, variances] = [mean.dataSync(), variance.dataSync()];
          for (let c = 0; c < channels; c++) {
            const channel = values.filter((_, at) => at % channels === c);
            const exact = channel.reduce((sum, value) => sum + value, 0) / rows;
            const squares = channel.reduce((sum, value) => sum + (value - exact) ** 2, 0) / rows;
            const limit = machine.engine === 'native' ? 1e-6 : 1e-3;
            assert.ok(Math.abs(((means[c] as number) - exact) / exact) < limit);
            assert.ok(Math.abs(((variances[c] as number) - squares) / squares) < limit);
          }
        });
      }));

    // tfjs's plain backend leaves NaN out of max-pooling.
    if (machine.engine !== 'cpu')
      test('NaN is passed on, in its channel alone', () =>
        computeOn(machine, () => {
          for (const pooling of [undefined, { kernel: 2, stride: 2, padding: 'valid' as const }]) {
            const one: Case = { shape: [2, 8, 6, 20], relu: true, ...(pooling && { pooling }) };
            const inputs = inputsFor(one);
            inputs.x[20 * 13 + 3] = Number.NaN;
            const given = [
              tf.tensor(inputs.x, one.shape),
              tf.tensor1d(inputs.scale),
              tf.tensor1d(inputs.offset),
            ];
            const y = compute(one, given).dataSync();
            for (const [at, value] of y.entries()) assert.equal(Number.isNaN(value), at % 20 === 3);
          }
        }));

    test('an output that something else reads too has its values, and its gradient', () =>
      computeOn(machine, () => {
        const pooling: Pooling = { kernel: 2, stride: 2, padding: 'valid' };
        const one: Case = { shape: [2, 8, 6, 20], relu: true };
        const inputs = inputsFor(one);
        const given = [tf.tensor(inputs.x, one.shape), tf.tensor1d(inputs.scale), tf.tensor1d(inputs.offset)];
        const pooled = (y: tf.Tensor) => poolingLayer(y as tf.Tensor4D, pooling, new Scope(1));
        const ofSigmoid = (y: tf.Tensor) => pooled(activationLayer(y, { function: 'sigmoid' }));
        const gradientOf = (read: (y: tf.Tensor) => tf.Tensor) => {
          const run = (...all: tf.Tensor[]) => read(compute(one, all));
          return tf
            .grads(run)(given, tf.ones([2, 4, 3, 20]))[0]
            ?.dataSync() as Float32Array;
        };
        const [first, second] = [gradientOf(pooled), gradientOf(ofSigmoid)];
        const both = gradientOf((y) => addLayer(pooled(y), ofSigmoid(y)));
        const wanted = Float64Array.from(first, (value, at) => value + (second[at] as number));
        assertClose('the gradient', both, wanted);
      }));
  });
}

/** Batch normalisation on every engine: what differences of plain JavaScript's outputs say its gradients are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { normaliseBatch, type Statistics } from '../../src/engine/kernels/batch_norm/operation.ts';
import { withoutNative } from '../helpers/native.ts';

const epsilon = 1e-3;
/** Feature maps, with a deviation so small that epsilon counts; and rows of features. */
const shapes = [
  [3, 5, 4, 6],
  [7, 3],
];
const spread = 0.1;

function noise(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, index) => Math.sin(index * 12.9898 + index * index));
}

function inputsFor(shape: number[]) {
  const channels = shape.at(-1) as number;
  const size = shape.reduce((product, length) => product * length, 1);
  return {
    x: noise(size).map((value) => 2 + spread * value),
    scale: noise(channels).map((value) => 1 + value / 2),
    offset: noise(channels + 1).slice(1),
    dy: noise(size + 5).slice(5),
  };
}

/** In double precision: outputs and statistics as the formula has them. */
function expected(shape: number[], { x, scale, offset }: ReturnType<typeof inputsFor>) {
  const channels = shape.at(-1) as number;
  const rows = x.length / channels;
  const mean = Array.from(scale, () => 0);
  const variance = Array.from(scale, () => 0);
  for (const [at, value] of x.entries()) (mean[at % channels] as number) += value / rows;
  for (const [at, value] of x.entries())
    (variance[at % channels] as number) += (value - (mean[at % channels] as number)) ** 2 / rows;
  const y = Array.from(x, (value, at) => {
    const c = at % channels;
    const normalised = (value - (mean[c] as number)) / Math.sqrt((variance[c] as number) + epsilon);
    return normalised * (scale[c] as number) + (offset[c] as number);
  });
  return { y, mean, variance };
}

/** Of the sum of y * dy by each element of the input `name`. */
function differences(shape: number[], inputs: ReturnType<typeof inputsFor>, name: 'x' | 'scale' | 'offset') {
  const distance = 1e-4;
  const doubles = { ...inputs, [name]: Float64Array.from(inputs[name]) } as unknown as typeof inputs;
  const loss = () =>
    expected(shape, doubles).y.reduce((sum, value, at) => sum + value * (inputs.dy[at] as number), 0);
  return Array.from(inputs[name], (value, at) => {
    doubles[name][at] = value + distance;
    const above = loss();
    doubles[name][at] = value - distance;
    const below = loss();
    doubles[name][at] = value;
    return (above - below) / (2 * distance);
  });
}

function assertClose(what: string, actual: ArrayLike<number>, wanted: number[]): void {
  const largest = Math.max(...wanted.map(Math.abs));
  for (const [at, value] of wanted.entries()) {
    const difference = Math.abs((actual[at] as number) - value) / largest;
    assert.ok(difference < 1e-3, `${what}, element ${at}: ${actual[at]} instead of ${value}`);
  }
}

const engines: [EngineName, string | false][] = [
  ['cpu', false],
  ['wasm', false],
  ['native', withoutNative()],
];
for (const [name, skip] of engines) {
  test(`${name} normalises by the batch, with the formula's gradients`, { skip }, async () => {
    const engine = await startEngine(name, { threads: 2 });
    for (const shape of shapes) {
      const inputs = inputsFor(shape);
      const wanted = expected(shape, inputs);
      const statistics: Record<string, ArrayLike<number>> = {};
      const note = ({ mean, variance }: Statistics) =>
        Object.assign(statistics, { mean: mean.dataSync(), variance: variance.dataSync() });
      const run = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) =>
        normaliseBatch(x, { scale, offset }, epsilon, note);
      const given = [tf.tensor(inputs.x, shape), tf.tensor1d(inputs.scale), tf.tensor1d(inputs.offset)] as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      assertClose('y', run(...given).dataSync(), wanted.y);
      assertClose('mean', statistics.mean ?? [], wanted.mean);
      assertClose('variance', statistics.variance ?? [], wanted.variance);
      const gradients = tf.grads(run)(given, tf.tensor(inputs.dy, shape));
      for (const [index, input] of (['x', 'scale', 'offset'] as const).entries()) {
        const gradient = (gradients[index] as tf.Tensor).dataSync();
        assertClose(`the gradient of ${input}`, gradient, differences(shape, inputs, input));
      }
    }
    await engine.dispose();
  });
}

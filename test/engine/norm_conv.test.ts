/** A convolution with normalisation and activation on every engine, against the same layers one by one in plain JavaScript. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { activate } from '../../src/engine/kernels/activation/operation.ts';
import { scaleAndShift } from '../../src/engine/kernels/batch_norm/operation.ts';
import { fusedConvolution } from '../../src/engine/kernels/conv/operation.ts';
import { type NormConvOptions, normConv } from '../../src/engine/kernels/norm_conv/operation.ts';
import { evenly } from '../helpers/network.ts';
import { computeOn, machines } from './every_engine.ts';

interface Case extends Omit<NormConvOptions, 'epsilon'> {
  /** [batch, height, width, channels] */
  x: [number, number, number, number];
  kernel: number;
  outputs: number;
}

const base = { padding: 'same', activation: 'relu6', isDepthwise: false, kernel: 1, stride: 1 } as const;
const depthwise = { ...base, isDepthwise: true, outputs: 0 } as const;
const cases: Case[] = [
  { ...base, x: [2, 5, 7, 3], outputs: 5 },
  { ...base, x: [3, 9, 11, 24], outputs: 40, activation: 'relu' },
  { ...base, x: [2, 8, 9, 33], outputs: 50, activation: 'linear' },
  { ...base, x: [1, 1, 1, 17], outputs: 16 },
  { ...base, x: [4, 20, 19, 16], outputs: 96 },
  { ...base, x: [2, 9, 8, 3], kernel: 3, stride: 2, outputs: 32 },
  { ...base, x: [2, 9, 8, 4], kernel: 3, outputs: 7, padding: 'valid' },
  { ...base, x: [1, 6, 5, 20], kernel: 3, outputs: 9, activation: 'relu' },
  ...[3, 5].flatMap((kernel) =>
    [1, 2].flatMap((stride) =>
      (
        [
          [2, 9, 12, 19],
          [1, 6, 5, 96],
          [3, 4, 3, 32],
        ] as const
      ).map((x) => ({ ...depthwise, kernel, stride, x: [...x] as Case['x'] })),
    ),
  ),
  { ...depthwise, kernel: 5, stride: 2, x: [2, 11, 10, 20], padding: 'valid', activation: 'linear' },
  { ...depthwise, kernel: 3, stride: 2, x: [1, 8, 10, 3], padding: 'valid', activation: 'relu' },
  { ...depthwise, kernel: 3, stride: 3, x: [1, 8, 10, 3] },
  { ...depthwise, kernel: 5, stride: 1, x: [1, 1, 2, 16] },
];
const names = ['x', 'filter', 'scale', 'offset'] as const;
const epsilon = 1e-3;

function numbersFor({ x, kernel, outputs, isDepthwise }: Case) {
  const channels = isDepthwise ? x[3] : outputs;
  const filter = isDepthwise ? [kernel, kernel, channels, 1] : [kernel, kernel, x[3], outputs];
  const random = evenly(x[3] + kernel + outputs);
  const next = (shape: number[], from: number, to: number) =>
    tf.tensor(
      Float32Array.from(
        { length: tf.util.sizeFromShape(shape) },
        () => from + (to - from) * (random.next().value as number),
      ),
      shape,
    );
  return {
    x: next([...x], -1, 5),
    filter: next(filter, -1, 1),
    scale: next([channels], 0.5, 3),
    offset: next([channels], -1, 2),
    mean: next([channels], -1, 1),
    variance: next([channels], 0.1, 4),
  };
}

function results(
  one: Case,
  compute: (inputs: ReturnType<typeof numbersFor>) => tf.Tensor,
): Record<string, Float32Array> {
  return tf.tidy(() => {
    const inputs = numbersFor(one);
    const values: Record<string, Float32Array> = { y: (compute(inputs).dataSync() as Float32Array).slice() };
    const shape = compute(inputs).shape;
    const random = evenly(3);
    const dy = tf.tensor(
      Float32Array.from(
        { length: tf.util.sizeFromShape(shape) },
        () => (random.next().value as number) - 0.5,
      ),
      shape,
    );
    const gradients = tf.grads((...given) =>
      compute({ ...inputs, ...Object.fromEntries(names.map((name, index) => [name, given[index]])) }),
    )(
      names.map((name) => inputs[name]),
      dy,
    );
    for (const [index, name] of names.entries())
      values[name] = ((gradients[index] as tf.Tensor).dataSync() as Float32Array).slice();
    return values;
  });
}

const layerByLayer = (one: Case) =>
  results(one, ({ x, filter, ...norm }) => {
    const kernel = one.isDepthwise ? 'FusedDepthwiseConv2D' : 'FusedConv2D';
    const y = scaleAndShift(fusedConvolution(kernel, x, filter, undefined, one), norm, epsilon);
    return one.activation === 'linear' ? y : activate(y, { function: one.activation });
  });
const atOnce = (one: Case) => results(one, (inputs) => normConv(inputs, { ...one, epsilon }));

const expected = new Map<Case, Record<string, Float32Array>>();
before(() =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    for (const one of cases) expected.set(one, layerByLayer(one));
  }),
);

for (const machine of machines)
  test(`${machine.engine}, ${machine.threads} threads: values and gradients`, () =>
    computeOn(machine, () => {
      for (const one of cases) {
        const { numTensors } = tf.memory();
        const actual = atOnce(one);
        assert.equal(tf.memory().numTensors, numTensors, 'tensors are left');
        for (const [name, values] of Object.entries(expected.get(one) ?? {})) {
          const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
          const difference = values.reduce(
            (max, value, i) => Math.max(max, Math.abs(value - (actual[name]?.[i] ?? Number.NaN))),
            0,
          );
          assert.ok(
            difference <= 3e-5 * largest,
            `${name} differs by ${difference / largest}: ${JSON.stringify(one)}`,
          );
        }
      }
    }));

test('what does not learn gets no gradient', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    const one = cases[1] as Case;
    const inputs = numbersFor(one);
    const compute = (scale: tf.Tensor) =>
      normConv({ ...inputs, scale }, { ...one, epsilon }, new Set(['x', 'filter', 'offset']));
    const gradient = tf
      .grad(compute)(inputs.scale, tf.ones([3, 9, 11, 40]))
      .dataSync();
    const all = tf.grads((scale: tf.Tensor) => normConv({ ...inputs, scale }, { ...one, epsilon }))(
      [inputs.scale],
      tf.ones([3, 9, 11, 40]),
    );
    assert.deepEqual(gradient, all[0]?.dataSync());
    assert.throws(() =>
      tf.grad((x: tf.Tensor) => normConv({ ...inputs, x }, { ...one, epsilon }, new Set(['x'])))(
        inputs.x,
        tf.ones([3, 9, 11, 40]),
      ),
    );
  }));

test('what is not a number stays so', async () => {
  for (const machine of machines)
    await computeOn(machine, () =>
      tf.tidy(() => {
        for (const one of cases.slice(0, 3).concat(cases[8] as Case)) {
          const inputs = numbersFor(one);
          const x = tf.tensor(
            inputs.x.dataSync().map((value, i) => (i === 3 ? Number.NaN : value)),
            one.x,
          );
          const y = normConv({ ...inputs, x }, { ...one, epsilon }).dataSync();
          assert.ok(
            y.some(Number.isNaN) && !y.every(Number.isNaN),
            `${machine.engine}: ${JSON.stringify(one)}`,
          );
        }
      }),
    );
});

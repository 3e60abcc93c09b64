/** On every engine, against the formula in plain JavaScript and its finite differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { depthwiseConv2d } from '../../src/engine/kernels/depthwise_conv/operation.ts';
import { computeOn, machines } from './every_engine.ts';

interface Case {
  batch: number;
  height: number;
  width: number;
  channels: number;
  kernel: [height: number, width: number];
  stride: number;
  padding: 'same' | 'valid';
}

const cases: Case[] = [
  { batch: 2, height: 7, width: 9, channels: 8, kernel: [3, 3], stride: 1, padding: 'same' },
  { batch: 1, height: 8, width: 10, channels: 6, kernel: [3, 3], stride: 2, padding: 'same' },
  { batch: 2, height: 6, width: 11, channels: 5, kernel: [5, 5], stride: 2, padding: 'same' },
  { batch: 3, height: 9, width: 12, channels: 4, kernel: [3, 5], stride: 1, padding: 'valid' },
  { batch: 1, height: 9, width: 14, channels: 7, kernel: [2, 3], stride: 3, padding: 'valid' },
  { batch: 2, height: 5, width: 4, channels: 3, kernel: [1, 1], stride: 2, padding: 'same' },
  { batch: 1, height: 2, width: 2, channels: 1, kernel: [5, 5], stride: 1, padding: 'same' },
];

/** Multiples of 1/8, so that sums of their products are exact in float32, in any order. */
function numbers(size: number, seed: number): number[] {
  return Array.from({ length: size }, (_, i) => (((i + 3) * (seed + 11) * 7919) % 33) / 8 - 2);
}

function outputSizes({ height, width, kernel, stride, padding }: Case) {
  const sizes = [height, width].map((size, axis) => {
    const length = kernel[axis] as number;
    const out = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - length) / stride) + 1;
    const before = padding === 'same' ? Math.max(0, (out - 1) * stride + length - size) >> 1 : 0;
    return { out, before };
  });
  return sizes as [(typeof sizes)[0], (typeof sizes)[0]];
}

function plain(c: Case, x: number[], filter: number[], bias: number[]): number[] {
  const [rows, columns] = outputSizes(c);
  const y: number[] = [];
  for (let b = 0; b < c.batch; b++)
    for (let i = 0; i < rows.out; i++)
      for (let j = 0; j < columns.out; j++)
        for (let channel = 0; channel < c.channels; channel++) {
          let sum = bias[channel] as number;
          for (let u = 0; u < c.kernel[0]; u++)
            for (let v = 0; v < c.kernel[1]; v++) {
              const p = i * c.stride - rows.before + u;
              const q = j * c.stride - columns.before + v;
              if (p < 0 || q < 0 || p >= c.height || q >= c.width) continue;
              const value = x[((b * c.height + p) * c.width + q) * c.channels + channel] as number;
              sum += value * (filter[(u * c.kernel[1] + v) * c.channels + channel] as number);
            }
          y.push(sum);
        }
  return y;
}

/** The gradient of the sum of y * dy with respect to each value; exact, as y is linear in each input. */
function finiteDifferences(
  values: number[],
  dy: number[],
  compute: (values: number[]) => number[],
): number[] {
  return values.map((value, index) => {
    const [above, below] = [1, -1].map((step) => compute(values.with(index, value + step)));
    return dy.reduce((sum, one, i) => sum + (one * ((above?.[i] as number) - (below?.[i] as number))) / 2, 0);
  });
}

for (const c of cases) {
  const title = `${c.kernel.join('x')}, stride ${c.stride}, ${c.padding}, ${c.channels} channels`;
  const [rows, columns] = outputSizes(c);
  const shape: [number, number, number, number] = [c.batch, c.height, c.width, c.channels];
  const filterShape: [number, number, number, number] = [...c.kernel, c.channels, 1];
  const x = numbers(c.batch * c.height * c.width * c.channels, 1);
  const filter = numbers(c.kernel[0] * c.kernel[1] * c.channels, 2);
  const bias = numbers(c.channels, 3);
  const dy = numbers(c.batch * rows.out * columns.out * c.channels, 4);

  test(`depthwise convolution ${title}`, async () => {
    const expected = [
      plain(c, x, filter, bias),
      finiteDifferences(x, dy, (values) => plain(c, values, filter, bias)),
      finiteDifferences(filter, dy, (values) => plain(c, x, values, bias)),
      finiteDifferences(bias, dy, (values) => plain(c, x, filter, values)),
    ];
    const withoutBias = plain(c, x, filter, Array(c.channels).fill(0));
    for (const machine of machines) {
      const { stride, padding } = c;
      const [results, plainResult] = await computeOn(machine, () => {
        const inputs = [tf.tensor(x, shape), tf.tensor(filter, filterShape), tf.tensor(bias)];
        const convolve = (...[a, b, d]: tf.Tensor[]) =>
          depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, d as tf.Tensor1D, { stride, padding });
        const { value, grads } = tf.valueAndGrads(convolve)(
          inputs,
          tf.tensor(dy, [c.batch, rows.out, columns.out, c.channels]),
        );
        const [a, b] = inputs as [tf.Tensor4D, tf.Tensor4D];
        const unbiased = depthwiseConv2d(a, b, undefined, { stride, padding });
        return [[value, ...grads].map((one) => [...one.dataSync()]), [...unbiased.dataSync()]];
      });
      const name = `${machine.engine}, ${machine.threads} threads`;
      assert.deepEqual(plainResult, withoutBias, name);
      for (const [index, part] of ['y', 'dx', 'dfilter', 'dbias'].entries())
        assert.deepEqual(results?.[index], expected[index], `${part} on ${name}`);
    }
  });
}

test('threads do not change the bits of a depthwise convolution and its gradients', async () => {
  const values = (size: number, seed: number) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * seed));
  const compute = () => {
    const inputs = [
      tf.tensor(values(3 * 23 * 31 * 12, 1.3), [3, 23, 31, 12]),
      tf.tensor(values(25 * 12, 2.7), [5, 5, 12, 1]),
    ];
    const convolve = (...[a, b]: tf.Tensor[]) =>
      depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, undefined, { stride: 2, padding: 'same' });
    const { value, grads } = tf.valueAndGrads(convolve)(
      inputs,
      tf.tensor(values(3 * 12 * 16 * 12, 0.7), [3, 12, 16, 12]),
    );
    return [value, ...grads].map((one) => one.dataSync());
  };
  const [one, two, three] = [
    await computeOn({ engine: 'wasm', threads: 1 }, compute),
    await computeOn({ engine: 'wasm', threads: 2 }, compute),
    await computeOn({ engine: 'wasm', threads: 3 }, compute),
  ];
  assert.deepEqual(two, one);
  assert.deepEqual(three, one);
});

/** Every kernel of ours against tfjs's plain JavaScript backend, on random shapes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { applyAdam } from '../../src/engine/kernels/adam/operation.ts';
import '../../src/engine/gradients.ts';

let engine: Engine;
before(async () => {
  engine = await startEngine('wasm', { threads: 2 });
});
after(() => engine.dispose());

/** Sums of up to some ten thousand products in float32, in another order. */
const relativeTolerance = 2e-4;

type Compute = () => tf.Tensor | tf.Tensor[];

async function on(backend: string, compute: Compute): Promise<{ shape: number[]; values: number[] }[]> {
  await tf.setBackend(backend);
  const results = [tf.tidy(compute)].flat();
  const plain = results.map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] }));
  tf.dispose(results);
  return plain;
}

/** `compute` makes its inputs from numbers, so that each backend computes on memory of its own. */
async function assertSame(compute: Compute): Promise<void> {
  const actual = await on('wasm', compute);
  const expected = await on('cpu', compute);
  for (const [index, { shape, values }] of expected.entries()) {
    assert.deepEqual(actual[index]?.shape, shape);
    const scale = Math.max(1e-3, ...values.map(Math.abs));
    for (const [i, value] of values.entries()) {
      const difference = Math.abs((actual[index]?.values[i] as number) - value);
      assert.ok(
        difference <= relativeTolerance * scale,
        `output ${index}, element ${i}: differs by ${difference}`,
      );
    }
  }
}

/** Numbers that look random, the same on every backend. */
function numbers(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * 2),
    shape,
  );
}

const size = (most: number) => fc.integer({ min: 1, max: most });
const convolutions = fc.record({
  batch: size(3),
  height: size(13),
  width: size(13),
  inputs: fc.constantFrom(1, 2, 3, 4, 5, 8, 17),
  outputs: fc.constantFrom(1, 3, 7, 8, 9, 16, 17),
  kernelHeight: size(5),
  kernelWidth: size(5),
  stride: size(3),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});
type Convolution = typeof convolutions extends fc.Arbitrary<infer T> ? T : never;

function fits({ pad, height, width, kernelHeight, kernelWidth }: Convolution): boolean {
  return pad === 'same' || (height >= kernelHeight && width >= kernelWidth);
}

const runs = { numRuns: 60 };

test('Conv2D', () =>
  fc.assert(
    fc.asyncProperty(convolutions.filter(fits), (c) =>
      assertSame(() => {
        const x = numbers([c.batch, c.height, c.width, c.inputs], 1) as tf.Tensor4D;
        const filter = numbers([c.kernelHeight, c.kernelWidth, c.inputs, c.outputs], 2) as tf.Tensor4D;
        return tf.conv2d(x, filter, c.stride, c.pad);
      }),
    ),
    runs,
  ));

test('FusedConv2D with bias', () =>
  fc.assert(
    fc.asyncProperty(convolutions.filter(fits), (c) =>
      assertSame(() =>
        tf.fused.conv2d({
          x: numbers([c.batch, c.height, c.width, c.inputs], 1) as tf.Tensor4D,
          filter: numbers([c.kernelHeight, c.kernelWidth, c.inputs, c.outputs], 2) as tf.Tensor4D,
          strides: c.stride,
          pad: c.pad,
          bias: numbers([c.outputs], 3),
        }),
      ),
    ),
    runs,
  ));

/** The same with a share of the numbers, the others 0. */
function kept(tensor: tf.Tensor, share: number): tf.Tensor {
  const values = tensor.dataSync().map((value, i) => (((i * 7919) % 101) / 101 < share ? value : 0));
  return tf.tensor(values, tensor.shape);
}

// With few numbers that are not zero, the gradients are summed over those alone.
const gradientsToTry = fc.record({ c: convolutions.filter(fits), share: fc.constantFrom(1, 0.2, 0) });

test('gradients of the convolution with respect to its input, filter and bias', () =>
  fc.assert(
    fc.asyncProperty(gradientsToTry, ({ c, share }) =>
      assertSame(() => {
        const attributes = {
          strides: c.stride,
          pad: c.pad,
          dataFormat: 'NHWC',
          dilations: 1,
          activation: 'linear',
        };
        const convolve = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
          tf.engine().runKernel('FusedConv2D', { x, filter, bias }, attributes) as tf.Tensor;
        const inputs = [
          numbers([c.batch, c.height, c.width, c.inputs], 1),
          numbers([c.kernelHeight, c.kernelWidth, c.inputs, c.outputs], 2),
          numbers([c.outputs], 3),
        ];
        const { shape } = convolve(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor]));
        return tf.grads(convolve as (...inputs: tf.Tensor[]) => tf.Tensor)(
          inputs,
          kept(numbers(shape, 4), share),
        );
      }),
    ),
    { numRuns: 150 },
  ));

const pools = fc.record({
  batch: size(3),
  height: size(13),
  width: size(13),
  channels: fc.constantFrom(1, 2, 3, 4, 5, 8, 17),
  window: size(5),
  stride: size(3),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

test('MaxPool and its gradient', () =>
  fc.assert(
    fc.asyncProperty(
      pools.filter((p) => p.pad === 'same' || Math.min(p.height, p.width) >= p.window),
      (p) =>
        assertSame(() => {
          const x = numbers([p.batch, p.height, p.width, p.channels], 1) as tf.Tensor4D;
          const y = tf.maxPool(x, p.window, p.stride, p.pad);
          const dx = tf.grad((x) => tf.maxPool(x as tf.Tensor4D, p.window, p.stride, p.pad))(
            x,
            numbers(y.shape, 2),
          );
          return [y, dx];
        }),
    ),
    runs,
  ));

test('the first of equal maxima gets the gradient, on both backends', async () => {
  for (const backend of ['wasm', 'cpu']) {
    const [dx] = await on(backend, () =>
      tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'))(
        tf.ones([1, 2, 2, 5]),
        tf.ones([1, 1, 1, 5]),
      ),
    );
    assert.deepEqual(dx?.values, [...Array(5).fill(1), ...Array(15).fill(0)]);
  }
});

test('matrix products, transposed either way', () =>
  fc.assert(
    fc.asyncProperty(
      size(12),
      size(70),
      fc.constantFrom(1, 2, 5, 8, 16, 19, 64),
      fc.constantFrom([false, false], [true, false], [false, true], [true, true]),
      (rows, inner, columns, [transposeA, transposeB]) =>
        assertSame(
          () =>
            tf.engine().runKernel(
              'BatchMatMul',
              {
                a: numbers(transposeA ? [inner, rows] : [rows, inner], 1),
                b: numbers(transposeB ? [columns, inner] : [inner, columns], 2),
              },
              { transposeA: transposeA === true, transposeB: transposeB === true },
            ) as tf.Tensor,
        ),
    ),
    runs,
  ));

test('matrix product with bias, and its gradients', () =>
  fc.assert(
    fc.asyncProperty(size(12), size(70), fc.constantFrom(1, 2, 5, 8, 16, 19, 64), (rows, inner, columns) =>
      assertSame(() => {
        const multiply = (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) =>
          tf.engine().runKernel('_FusedMatMul', { a, b, bias }, { activation: 'linear' }) as tf.Tensor;
        const inputs: [tf.Tensor, tf.Tensor, tf.Tensor] = [
          numbers([rows, inner], 1),
          numbers([inner, columns], 2),
          numbers([columns], 3),
        ];
        const gradients = tf.grads(multiply as (...inputs: tf.Tensor[]) => tf.Tensor);
        return [multiply(...inputs), ...gradients(inputs, numbers([rows, columns], 4))];
      }),
    ),
    runs,
  ));

test('sums over any axes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(size(9), { minLength: 1, maxLength: 4 }),
      fc.subarray([0, 1, 2, 3]),
      fc.boolean(),
      (shape, axes, keepDims) =>
        assertSame(() => {
          const chosen = axes.filter((axis) => axis < shape.length);
          // Above zero: where many cancel, what is left is rounding, which goes by the order of adding.
          return tf.sum(tf.add(numbers(shape, 1), 3), chosen, keepDims);
        }),
    ),
    runs,
  ));

test('relu and its gradient', () =>
  fc.assert(
    fc.asyncProperty(size(100), (length) =>
      assertSame(() => tf.grad((x) => tf.relu(x))(numbers([length], 1), numbers([length], 2))),
    ),
    runs,
  ));

test('Adam, in place, for any length', () =>
  fc.assert(
    fc.asyncProperty(size(100), (length) =>
      assertSame(() => {
        const [w, m, v] = [1, 2, 3].map((seed) => tf.variable(tf.abs(numbers([length], seed))));
        applyAdam(w as tf.Variable, m as tf.Variable, v as tf.Variable, numbers([length], 4), {
          stepSize: 0.01,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
        });
        return [w, m, v].map((variable) => (variable as tf.Variable).clone());
      }),
    ),
    runs,
  ));

test('integers and other ranks use the backend’s own kernels', () =>
  assertSame(() => [
    tf.sum(tf.tensor1d([1, 2, 3], 'int32'), 0),
    tf.matMul(tf.ones([2, 3, 4]), tf.ones([2, 4, 5])),
    tf.conv2d(
      tf.ones([1, 6, 6, 2]) as tf.Tensor4D,
      tf.ones([2, 2, 2, 3]) as tf.Tensor4D,
      1,
      'valid',
      'NHWC',
      2,
    ),
  ]));

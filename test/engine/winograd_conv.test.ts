/** 3 x 3 convolutions of the native engine against tfjs's plain JavaScript backend: values and every gradient. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import type { NodeBackend } from '../../src/engine/native/backend.ts';
import '../../src/engine/gradients.ts';
import { withoutNative } from '../helpers/native.ts';

/** Independent of each other, so that their sums of products do not nearly cancel: rounding errors are relative to the products. */
function numbers(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const random = seedrandom(String(seed));
  const values = Float32Array.from({ length: size }, () => 2 * random() - 1);
  return tf.tensor(values, shape);
}

interface Convolution {
  batch: number;
  height: number;
  width: number;
  inputs: number;
  outputs: number;
  pad: 'same' | 'valid';
}

/** The output, and the gradients of input, filter and bias. */
function values({ batch, height, width, inputs, outputs, pad }: Convolution): Float32Array[] {
  const attributes = { strides: 1, pad, dataFormat: 'NHWC', dilations: 1, activation: 'linear' };
  const convolve = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
    tf.engine().runKernel('FusedConv2D', { x, filter, bias }, attributes) as tf.Tensor;
  const tensors = [numbers([batch, height, width, inputs], 1), numbers([3, 3, inputs, outputs], 2)];
  const all = [...tensors, numbers([outputs], 3)] as [tf.Tensor, tf.Tensor, tf.Tensor];
  const y = convolve(...all);
  const gradients = tf.grads(convolve as (...inputs: tf.Tensor[]) => tf.Tensor)(all, numbers(y.shape, 4));
  return [y, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
}

describe('3 x 3 convolutions', { skip: withoutNative() }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine('native', { threads: 2 });
  });
  after(() => engine.dispose());

  async function on(backend: string, convolution: Convolution): Promise<Float32Array[]> {
    await tf.setBackend(backend);
    return tf.tidy(() => values(convolution));
  }

  /** Names of the operations that TensorFlow executes meanwhile. */
  async function operationsOf(run: () => Promise<unknown>): Promise<Set<string>> {
    await tf.setBackend('tensorflow');
    const backend = tf.backend() as unknown as NodeBackend;
    const { binding } = backend;
    const names = new Set<string>();
    const executeOp: typeof binding.executeOp = (name, ...rest) => {
      names.add(name);
      return binding.executeOp(name, ...rest);
    };
    backend.binding = Object.create(binding, { executeOp: { value: executeOp } });
    await run();
    backend.binding = binding;
    return names;
  }

  const pad = fc.constantFrom('same' as const, 'valid' as const);
  // In tiles of two or of four outputs along an axis.
  const small = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 3, max: 12 }),
    width: fc.integer({ min: 3, max: 12 }),
    inputs: fc.constantFrom(32, 48, 80),
    outputs: fc.constantFrom(32, 64, 112),
    pad,
  });
  // In tiles of four.
  const large = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    height: fc.integer({ min: 12, max: 24 }),
    width: fc.integer({ min: 12, max: 24 }),
    inputs: fc.constantFrom(32, 80),
    outputs: fc.constantFrom(32, 48),
    pad,
  });
  // So many tiles that the filter's gradient is summed in portions.
  const larger = fc.record({
    batch: fc.constant(1),
    height: fc.integer({ min: 46, max: 52 }),
    width: fc.integer({ min: 46, max: 52 }),
    inputs: fc.constant(32),
    outputs: fc.constant(32),
    pad,
  });

  test('agree with the definition, and so do their gradients', () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: small }, { weight: 2, arbitrary: large }, larger),
        async (convolution) => {
          const actual = await on('tensorflow', convolution);
          const expected = await on('cpu', convolution);
          for (const [index, right] of expected.entries()) {
            const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
            const worst = right.reduce(
              (most, value, i) => Math.max(most, Math.abs(value - (actual[index]?.[i] as number))),
              0,
            );
            assert.ok(worst <= 1e-5 * scale, `output ${index} differs by ${worst / scale}`);
          }
        },
      ),
      { numRuns: 16 },
    ));

  test('give a picture the same whatever the batch that it is in', async () => {
    const convolution = { batch: 5, height: 13, width: 13, inputs: 32, outputs: 48, pad: 'same' as const };
    const [together] = await on('tensorflow', convolution);
    const [alone] = await on('tensorflow', { ...convolution, batch: 1 });
    assert.deepEqual(together?.subarray(0, alone?.length), alone);
  });

  test('take fewer multiplications where channels allow', async () => {
    const convolution = { batch: 1, height: 6, width: 5, inputs: 32, outputs: 48, pad: 'same' as const };
    const names = await operationsOf(() => on('tensorflow', convolution));
    const expected = ['', 'InputGrad', 'FilterGrad'].map((part) => `BatSupWinogradConv${part}`);
    assert.deepEqual([...names].filter((name) => name.includes('Conv')).sort(), expected.sort());
    const few = await operationsOf(() => on('tensorflow', { ...convolution, inputs: 3 }));
    assert.ok(few.has('Conv2D') && few.has('Conv2DBackpropFilter'));
  });
});

/** Layers on the native engine against tfjs's plain JavaScript backend: values and every gradient. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
// The gradients of sums and products, which none of our layers needs.
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { startEngine } from '../../src/engine/index.ts';
import { applyAdam } from '../../src/engine/kernels/adam/operation.ts';
import { scalePixels } from '../../src/engine/kernels/scale_pixels/operation.ts';
import type { NodeBackend } from '../../src/engine/native/backend.ts';
import { registerKernels } from '../../src/engine/native/kernels.ts';
import { useMixedPrecision } from '../../src/engine/native/product.ts';
import {
  activationLayer,
  convLayer,
  flatteningLayer,
  fullyConnectedLayer,
  poolingLayer,
  Scope,
} from '../../src/layers/index.ts';
import { softmaxCrossEntropy } from '../../src/training/step.ts';
import { withoutNative } from '../helpers/native.ts';

const options = { skip: withoutNative() };

/** Sums of up to some ten thousand products in float32, in another order. */
const relativeTolerance = 2e-4;

type Values = { shape: number[]; values: number[] };

async function on(backend: string, compute: () => tf.Tensor[]): Promise<Values[]> {
  await tf.setBackend(backend);
  const results = tf.tidy(compute);
  const plain = results.map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] }));
  tf.dispose(results);
  return plain;
}

async function assertSame(compute: () => tf.Tensor[], tolerance = relativeTolerance): Promise<void> {
  const actual = await on('tensorflow', compute);
  const expected = await on('cpu', compute);
  for (const [index, { shape, values }] of expected.entries()) {
    assert.deepEqual(actual[index]?.shape, shape);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    for (const [i, value] of values.entries()) {
      const difference = Math.abs((actual[index]?.values[i] as number) - value);
      assert.ok(difference <= tolerance * scale, `output ${index}, element ${i} differs by ${difference}`);
    }
  }
}

/** Numbers that look random, the same on every backend. */
function numbers(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
  return tf.tensor(values, shape);
}

/** The output of a layer, and the gradients of its input and its variables for some gradient of the output. */
function layerAndGradients(
  shape: number[],
  layer: (input: tf.Tensor, scope: Scope) => tf.Tensor,
): tf.Tensor[] {
  const scope = new Scope(5);
  const input = tf.variable(numbers(shape, 1));
  const forward = () => {
    scope.begin();
    return layer(input, scope);
  };
  const output = forward();
  const variables = [input, ...scope.variables.values()];
  const { grads } = tf.variableGrads(
    () => tf.sum(tf.mul(forward(), numbers(output.shape, 2))) as tf.Scalar,
    variables,
  );
  return [output, ...variables.map((variable) => grads[variable.name] as tf.Tensor)];
}

const size = (most: number) => fc.integer({ min: 1, max: most });
const maps = {
  batch: size(3),
  height: size(13),
  width: size(13),
  channels: size(20),
  kernel: size(5),
  stride: size(3),
};

describe('the native engine', options, () => {
  before(async () => {
    await startEngine('native', { threads: 2 });
  });

  test('convolves as plain JavaScript does', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ ...maps, outputs: size(9) }),
        ({ batch, height, width, channels, ...rest }) => {
          const { kernel, outputs: outputChannels } = rest;
          const convolution = { kernel, inputChannels: channels, outputChannels, stride: 1 };
          return assertSame(() =>
            layerAndGradients([batch, height, width, channels], (x, scope) =>
              convLayer(x, convolution, scope),
            ),
          );
        },
      ),
      { numRuns: 25 },
    ));

  test('pools as plain JavaScript does', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ ...maps, padding: fc.constantFrom('same', 'valid') }),
        ({ batch, height, width, channels, kernel, stride, padding }) => {
          fc.pre(padding === 'same' || kernel <= Math.min(height, width));
          return assertSame(() =>
            layerAndGradients([batch, height, width, channels], (x, scope) =>
              poolingLayer(x, { kernel, stride, padding }, scope),
            ),
          );
        },
      ),
      { numRuns: 60 },
    ));

  test('pools a convolution with its bias as plain JavaScript does', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({ ...maps, outputs: size(33), taps: size(9), step: size(2) }),
        ({ batch, height, width, channels, ...rest }) => {
          const { kernel, stride, outputs: outputChannels, taps, step } = rest;
          const convolution = { kernel: taps, inputChannels: channels, outputChannels, stride: step };
          return assertSame(() =>
            layerAndGradients([batch, height, width, channels], (x, scope) =>
              poolingLayer(convLayer(x, convolution, scope), { kernel, stride }, scope),
            ),
          );
        },
      ),
      { numRuns: 60 },
    ));

  const reluAfterPooling: Record<string, (pooled: tf.Tensor) => tf.Tensor> = {
    'followed by relu': (pooled) => activationLayer(pooled),
    'followed by relu, and used again': (pooled) => tf.add(activationLayer(pooled), tf.mul(pooled, 0.5)),
    'followed by two relus': (pooled) => tf.sub(activationLayer(pooled), tf.square(activationLayer(pooled))),
  };
  for (const [what, use] of Object.entries(reluAfterPooling)) {
    test(`pools a convolution with its bias, ${what}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.record({ ...maps, outputs: size(33) }),
          ({ batch, height, width, channels, kernel, stride, outputs }) => {
            const convolution = { kernel, inputChannels: channels, outputChannels: outputs, stride: 1 };
            return assertSame(() =>
              layerAndGradients([batch, height, width, channels], (x, scope) =>
                use(poolingLayer(convLayer(x, convolution, scope), { kernel, stride }, scope)),
              ),
            );
          },
        ),
        { numRuns: 15 },
      ));
  }

  // Our own loops compute from 65,536 weights on, with outputs in multiples of 32, for batches up to 32, or 64 in training.
  for (const [batch, inputs, outputs] of [
    [1, 2048, 32],
    [7, 1031, 64],
    [10, 2050, 96],
    [32, 257, 256],
    [33, 2048, 32],
    [64, 2049, 32],
    [65, 2048, 32],
    [4, 1025, 65],
    [3, 5, 2],
  ] as const) {
    test(`connects ${inputs} inputs with ${outputs} outputs in a batch of ${batch}`, () =>
      assertSame(() =>
        layerAndGradients([batch, inputs], (x, scope) => fullyConnectedLayer(x, { inputs, outputs }, scope)),
      ));
  }

  // The update waits until the weights are read: by the next forward pass, or by somebody else.
  for (const batch of [6, 40]) {
    test(`Adam learns from the factors of a dense gradient, in a batch of ${batch}`, () =>
      assertSame(() => {
        const [inputs, outputs] = [1030, 64];
        const x = numbers([batch, inputs], 3) as tf.Tensor2D;
        const [weights, m, v] = [1, 2, 3].map((seed) => tf.abs(numbers([inputs, outputs], seed)));
        const moments = [m, v].map((moment) => tf.variable(moment as tf.Tensor)) as [
          tf.Variable,
          tf.Variable,
        ];
        const scope = new Scope(1, new Map([['fc1/weights', weights?.dataSync() as Float32Array]]));
        const loss = () => {
          scope.begin();
          return tf.mean(tf.square(fullyConnectedLayer(x, { inputs, outputs }, scope))) as tf.Scalar;
        };
        loss();
        const trained = scope.variables.get('fc1/weights') as tf.Variable;
        const attributes = { stepSize: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        const losses = [0, 1, 2].map(() => {
          const { value, grads } = tf.variableGrads(loss, [trained]);
          applyAdam(trained, ...moments, grads[trained.name] as tf.Tensor, attributes);
          return value;
        });
        return [...losses, ...[trained, ...moments].map((variable) => tf.clone(variable)), loss()];
      }));
  }

  test('gives the loss and its gradient as plain JavaScript does', () =>
    assertSame(() => {
      const logits = tf.variable(tf.mul(numbers([5, 3], 4), 30)) as tf.Variable;
      const labels = [0, 1, 2, 2, 0];
      const { value, grads } = tf.variableGrads(
        () => softmaxCrossEntropy(logits as unknown as tf.Tensor2D, labels),
        [logits],
      );
      return [value, grads[logits.name] as tf.Tensor];
    }));

  test('scales pixels on the device', () =>
    assertSame(() => {
      const pixels = Uint8Array.from({ length: 2 * 5 * 4 * 3 }, (_, i) => (i * 37) % 256);
      return [scalePixels(pixels, [2, 5, 4, 3], 1 / 255)];
    }));

  test('multiplies in bfloat16 if enabled, as on a GPU with --precision bf16', async () => {
    const backend = tf.findBackend('tensorflow') as unknown as NodeBackend;
    const convolution = { kernel: 3, inputChannels: 5, outputChannels: 8, stride: 1 };
    const layers = () =>
      layerAndGradients([4, 7, 6, 5], (x, scope) => {
        const { layer, size } = flatteningLayer(convLayer(x, convolution, scope));
        return fullyConnectedLayer(layer, { inputs: size, outputs: 3 }, scope);
      });
    // The operations for the CPU would compute the dense layer, and never run beside a GPU.
    registerKernels(backend, { operations: false });
    try {
      const exact = await on('tensorflow', layers);
      useMixedPrecision(backend, true);
      // Eight bits of a factor are kept, and of what is handed on from layer to layer.
      await assertSame(layers, 2 ** -6);
      assert.notDeepEqual(await on('tensorflow', layers), exact);
    } finally {
      useMixedPrecision(backend, false);
      registerKernels(backend, { operations: true });
    }
  });

  test('leaves other operations to tfjs’s own kernels', () =>
    assertSame(() => {
      const [x, filter] = [numbers([2, 7, 7, 3], 1), numbers([3, 3, 3, 4], 2)] as [tf.Tensor4D, tf.Tensor4D];
      const [a, b] = [numbers([4, 3], 3), numbers([4, 5], 4)] as [tf.Tensor2D, tf.Tensor2D];
      const options = { strides: 1, pad: 'same', activation: 'relu' } as const;
      return [
        tf.fused.conv2d({ x, filter, bias: numbers([4], 5) as tf.Tensor1D, ...options }),
        tf.fused.conv2d({ x, filter, ...options, activation: 'linear' }),
        tf.fused.matMul({ a, b, transposeA: true, bias: numbers([5], 6), activation: 'relu' }),
        tf.relu(tf.tensor1d([-2, 3], 'int32')),
      ];
    }));

  test('keeps no tensor beyond a step', async () => {
    await tf.setBackend('tensorflow');
    const step = () =>
      tf.dispose(
        tf.tidy(() =>
          layerAndGradients([2, 9, 9, 3], (x, scope) =>
            activationLayer(
              poolingLayer(
                convLayer(x, { kernel: 3, inputChannels: 3, outputChannels: 4, stride: 1 }, scope),
                { kernel: 3, stride: 2 },
                scope,
              ),
            ),
          ),
        ),
      );
    const backend = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    step();
    const before = backend.binding.getNumOfTensors();
    const variables = tf.memory().numTensors;
    step();
    // Variables stay until they are disposed of: an input, weights and biases.
    assert.equal(tf.memory().numTensors - variables, 3);
    assert.ok(backend.binding.getNumOfTensors() - before <= 3);
  });
});

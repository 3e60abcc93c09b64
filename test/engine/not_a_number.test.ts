/** NaN is passed on by every layer, in every channel, as in PyTorch: a network that diverged must say so. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { activationLayer, convLayer, poolingLayer, Scope } from '../../src/layers/index.ts';
import '../../src/engine/gradients.ts';
import { computeOn, machines } from './every_engine.ts';

// Whole vectors of channels and some beyond.
const channels = 21;

/** NaN as arithmetic makes it on x86 processors, where its sign bit is set, and as JavaScript has it. */
const negativeNaN = new Float32Array(Uint32Array.of(0xffc00000).buffer);
const positiveNaN = Float32Array.of(Number.NaN);

/** Pictures [1, 6, 6, channels] of -1, and of a value at row 2, column 3. */
function pictures(value: Float32Array): tf.Tensor4D {
  const values = new Float32Array(36 * channels).fill(-1);
  for (let c = 0; c < channels; c++) values.set(value, (2 * 6 + 3) * channels + c);
  return tf.tensor4d(values, [1, 6, 6, channels]);
}

const layers: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  'max-pooling': (x) => poolingLayer(x, { kernel: 2, stride: 2 }, new Scope(1)),
  relu: (x) => activationLayer(x),
  relu6: (x) => activationLayer(x, { function: 'relu6' }),
  'hard-swish': (x) => activationLayer(x, { function: 'hardSwish' }),
  'max-pooling and relu': (x) => activationLayer(poolingLayer(x, { kernel: 2, stride: 2 }, new Scope(1))),
  'a convolution, max-pooling and relu': (x) => {
    const scope = new Scope(1);
    const options = { kernel: 3, inputChannels: channels, outputChannels: channels, stride: 1 };
    return activationLayer(poolingLayer(convLayer(x, options, scope), { kernel: 2, stride: 2 }, scope));
  },
};

for (const machine of machines.filter(({ engine }) => engine !== 'cpu')) {
  describe(`${machine.engine}, ${machine.threads} threads`, () => {
    for (const [name, layer] of Object.entries(layers)) {
      test(`${name}: NaN in every channel that reads one`, () =>
        computeOn(machine, () => {
          for (const value of [negativeNaN, positiveNaN]) {
            const y = layer(pictures(value));
            const [, height = 0, width = 0] = y.shape;
            const at = (Math.floor((2 * height) / 6) * width + Math.floor((3 * width) / 6)) * channels;
            const values = y.dataSync();
            assert.ok(
              values.slice(at, at + channels).every(Number.isNaN),
              `${[...values.slice(at, at + 4)]}`,
            );
            assert.ok(values.some((one) => !Number.isNaN(one)));
          }
        }));
    }

    test('max-pooling of minus infinity alone is minus infinity', () =>
      computeOn(machine, () => {
        const y = layers['max-pooling']?.(
          tf.fill([1, 2, 2, channels], Number.NEGATIVE_INFINITY),
        ) as tf.Tensor;
        assert.ok(y.dataSync().every((value) => value === Number.NEGATIVE_INFINITY));
      }));
  });
}

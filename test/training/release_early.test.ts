import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';

/** Calls `onCall` whenever a kernel runs, until the function returned is called. */
function watchKernel(name: string, onCall: () => void): () => void {
  const kernel = tf.getKernel(name, 'wasm') as tf.KernelConfig;
  tf.unregisterKernel(name, 'wasm');
  tf.registerKernel({
    ...kernel,
    kernelFunc(call) {
      onCall();
      return kernel.kernelFunc(call);
    },
  });
  return () => {
    tf.unregisterKernel(name, 'wasm');
    tf.registerKernel(kernel);
  };
}

test('the backward pass releases maps as it goes, so that it needs no more of them than the forward pass', async () => {
  const engine = await startEngine('wasm', { threads: 1 });
  const model = createModel({
    architecture: 'residual',
    width: 32,
    height: 32,
    channels: 3,
    classes: ['a', 'b'],
  });
  const adam = new Adam(model.variables);
  const batch = { pixels: new Uint8Array(2 * 32 * 32 * 3).map((_, i) => (i * 37) % 256), labels: [0, 1] };
  const kept = tf.memory().numDataBuffers;
  const buffers: number[] = [];
  const stop = watchKernel('Conv2DBackpropFilter', () => buffers.push(tf.memory().numDataBuffers - kept));
  trainStep(model, adam, batch, { step: 1, learningRate: 1e-3 })();
  stop();
  const [first = 0] = buffers;
  const last = buffers.at(-1) as number;
  assert.ok(buffers.length > 5, `${buffers}`);
  // Of the gradients of the variables one more is there after each.
  assert.ok(last - model.variables.size < first / 2, `${first} buffers, in the end ${last}`);
  model.dispose();
  await engine.dispose();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engine/index.ts';
import type { WasmBackend } from '../../src/engine/wasm/engine_memory.ts';
import { UserError } from '../../src/errors.ts';

test('where 4 GiB are full the wasm engine says so, and what there is stays right', async () => {
  const engine = await startEngine('wasm', { threads: 2 });
  const backend = tf.backend() as unknown as WasmBackend;
  const kept = tf.tensor1d([1, 2, 3]);
  // Half a GiB each, never touched.
  const large = () => tf.engine().makeTensorFromTensorInfo(backend.makeOutput([1 << 27], 'float32'));
  const made: tf.Tensor[] = [];
  assert.throws(
    () => {
      for (let i = 0; i < 9; i++) made.push(large());
    },
    (error) => error instanceof UserError && /4 GiB .* lower --batch-size/.test(error.message),
  );
  assert.ok(made.length >= 6, `${made.length} halves of a GiB fitted`);
  // Beyond 2 GiB addresses are negative to the backend.
  const [x, filter] = [tf.ones([1, 4, 4, 1]) as tf.Tensor4D, tf.ones([1, 1, 1, 2]) as tf.Tensor4D];
  const bias = tf.tensor1d([1, 2]);
  const y = tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same' });
  assert.deepEqual([...y.dataSync().slice(0, 4)], [2, 3, 2, 3]);
  assert.deepEqual([...kept.dataSync()], [1, 2, 3]);
  tf.dispose([...made, kept, x, filter, bias, y]);
  await engine.dispose();
});

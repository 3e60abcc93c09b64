import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { readWeights } from '../../../src/formats/tfjs/weights.ts';

const fail = (why: string): never => {
  throw new Error(why);
};

/** What TensorFlow.js writes, in files that end anywhere. */
async function encoded() {
  const tensors = {
    before: tf.tensor1d([1, 2, 3]),
    names: tf.tensor1d(['a', '', 'täglich'], 'string'),
    after: tf.tensor2d([4, 5, 6, 7], [2, 2], 'int32'),
  };
  const { data, specs } = await tf.io.encodeWeights(tensors);
  const bytes = new Uint8Array(data as ArrayBuffer);
  const ends = [0, 5, 14, 14, 21, bytes.length];
  const files = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
  return { files, manifest: [{ paths: files.map((_, index) => `${index}.bin`), weights: specs }] };
}

test('weights that lie across files are read, and texts between them are passed over', async () => {
  const { files, manifest } = await encoded();
  const weights = await readWeights(
    manifest,
    async (path) => files[Number.parseInt(path, 10)] as Uint8Array,
    fail,
  );
  assert.deepEqual([...weights.keys()], ['before', 'after']);
  assert.deepEqual([...(weights.get('before')?.values ?? [])], [1, 2, 3]);
  assert.deepEqual([...(weights.get('after')?.values ?? [])], [4, 5, 6, 7]);
});

test('files that end too early or too late are refused', async () => {
  const { files, manifest } = await encoded();
  const read = (change: (file: Uint8Array, index: number) => Uint8Array) =>
    readWeights(
      manifest,
      async (path) => change(files[Number.parseInt(path, 10)] as Uint8Array, Number.parseInt(path, 10)),
      fail,
    );
  const isLast = (index: number) => index === files.length - 1;
  await assert.rejects(
    read((file, index) => (isLast(index) ? file.subarray(0, -1) : file)),
    /its weights end within after/,
  );
  await assert.rejects(
    read((file, index) => (index < 3 ? file : file.subarray(0, isLast(index) ? 0 : 2))),
    /its weights end within names/,
  );
  await assert.rejects(
    read((file, index) => (isLast(index) ? Buffer.concat([file, file]) : file)),
    /bytes too long/,
  );
});

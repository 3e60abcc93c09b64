import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batches } from '../../src/dataset/batches.ts';
import { keyOf } from '../../src/dataset/pack.ts';
import { applySoftLabels } from '../../src/dataset/soft_labels.ts';
import { UserError } from '../../src/errors.ts';
import { readSoftLabels, writeSoftLabels } from '../../src/images/soft_labels.ts';
import { softmaxCrossEntropy } from '../../src/training/step.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const classes = ['bat', 'sup'];
const mixed = 'bat/1.jpg.aug-0001.jpg';
const leaking = 'bat/2.jpg.aug-0001.jpg';
const files = ['bat/1.jpg', mixed, 'bat/2.jpg', leaking, 'sup/1.jpg', 'sup/2.jpg'];

async function project() {
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder, { recursive: true });
  await writeSoftLabels(folder, {
    [mixed]: { shares: { bat: 0.25, sup: 0.75 }, sources: ['bat/1.jpg', 'sup/1.jpg'] },
    [leaking]: { shares: { bat: 0.5, sup: 0.5 }, sources: ['bat/2.jpg', 'sup/2.jpg'] },
  });
  const pictures = files.map((file) => ({
    file: join(folder, file),
    label: file.startsWith('bat') ? 0 : 1,
    stamp: '',
    ...(/aug/.test(file) && { copyOf: join(folder, file.replace(/\.aug-\d+\.jpg$/, '')) }),
  }));
  return { folder, dataset: { classes, pictures } };
}

test('mixed pictures have their shares, and none connects training and validation', async () => {
  const { folder, dataset } = await project();
  const split = { train: [0, 1, 2, 3, 4], validation: [5] };
  const applied = await applySoftLabels(folder, dataset, split);
  assert.deepEqual(applied.split, { train: [0, 1, 2, 4], validation: [5] });
  assert.deepEqual(applied.dataset.pictures[1]?.softLabel, [0.25, 0.75]);
  const other = await applySoftLabels(folder, dataset, { train: [2, 4, 5], validation: [0, 1] });
  assert.deepEqual(other.split, { train: [2, 4, 5], validation: [0] });
});

test('a batch with a mixed picture gives the shares of all', async () => {
  const { folder, dataset } = await project();
  const { dataset: soft } = await applySoftLabels(folder, dataset, { train: [0], validation: [] });
  const file = join(folder, 'pack');
  writeFileSync(file, Buffer.alloc(6));
  const keyFile = join(folder, 'pack.key');
  writeFileSync(keyFile, await keyOf(file, 'these'));
  const pack = { key: 'these', keyFile, file, pictureBytes: 1, lookalikes: new Int32Array(6) };
  const seen = [];
  for await (const batch of batches(pack, soft.pictures, [1, 4, 0, 5], 2)) seen.push(batch.softLabels);
  assert.deepEqual(seen, [Float32Array.of(0.25, 0.75, 0, 1), undefined]);
});

test('the loss of shares is the weighted mean of the classes’ losses, and its gradient is softmax minus the shares', async () => {
  await tf.setBackend('cpu');
  const logits = tf.tensor2d([1, 3, 0.5, -2], [2, 2]);
  const probabilities = Float32Array.of(0.25, 0.75, 1, 0);
  const { value, grad } = tf.valueAndGrad((x) => softmaxCrossEntropy(x as tf.Tensor2D, { probabilities }))(
    logits,
  );
  const logShare = (a: number, b: number) => a - Math.log(Math.exp(a) + Math.exp(b));
  const expected = -(0.25 * logShare(1, 3) + 0.75 * logShare(3, 1) + logShare(0.5, -2)) / 2;
  assert.ok(Math.abs((value.dataSync()[0] as number) - expected) < 1e-6);
  const share = Math.exp(logShare(1, 3));
  assert.ok(Math.abs((grad.dataSync()[0] as number) - (share - 0.25) / 2) < 1e-6);
});

test('a damaged list, or one with other classes, is an error that says so', async () => {
  const { folder, dataset } = await project();
  const split = { train: [0], validation: [] };
  await writeSoftLabels(folder, { [mixed]: { shares: { joker: 1 }, sources: ['bat/1.jpg'] } });
  await assert.rejects(
    applySoftLabels(folder, dataset, split),
    (error) => error instanceof UserError && /"joker"/.test(error.message),
  );
  writeFileSync(join(folder, '.soft_labels.json'), '{"a": {"shares": {"bat": 0.5}, "sources": []}}');
  await assert.rejects(readSoftLabels(folder), /\.soft_labels\.json is damaged/);
  await writeSoftLabels(folder, {});
  assert.deepEqual(await readSoftLabels(folder), {});
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type CheckpointInfo, findCheckpoint, saveCheckpoint } from '../../src/checkpoints/index.ts';
import { collectAnswers } from '../../src/evaluation/collect_answers.ts';
import { type LabelledPicture, picturesOf, validationPictures } from '../../src/evaluation/pictures.ts';
import type { Predictor } from '../../src/predict/predictor.ts';
import { saveHeldBack } from '../../src/runs/held_back.ts';
import { writeFiles } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Files that hold their own names. */
function write(folder: string, ...files: string[]): void {
  writeFiles(folder, Object.fromEntries(files.map((file) => [file, file])));
}

test('a folder’s pictures are labelled by the network’s classes, whatever their order', async () => {
  const folder = temporaryFolder();
  write(folder, 'bat/1.jpg', 'bat/deep/2.jpg', 'cat/3.jpg', 'sup/4.jpg');
  const { pictures, unknown, missing } = await picturesOf(folder, ['sup', 'joker', 'bat']);
  assert.deepEqual(pictures, [
    { file: join(folder, 'bat', '1.jpg'), label: 2 },
    { file: join(folder, 'bat', 'deep/2.jpg'), label: 2 },
    { file: join(folder, 'sup', '4.jpg'), label: 0 },
  ]);
  assert.deepEqual([unknown, missing], [['cat'], ['joker']]);
});

test('a folder without pictures of the classes says where they belong', async () => {
  const folder = temporaryFolder();
  write(folder, 'cat/3.jpg');
  mkdirSync(join(folder, 'bat'));
  await assert.rejects(
    picturesOf(folder, ['bat', 'sup']),
    /holds no pictures of the network's classes; put some in .*bat or .*sup/,
  );
});

async function checkpointOf(run: string, dataset: string) {
  const info: CheckpointInfo = {
    model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
    preprocessing: { fit: 'fill', scale: 1 / 255 },
    training: { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2, dataset },
    position: { step: 1, epoch: 1, batch: 0, lossSum: 0, correct: 0 },
    metrics: {},
  };
  await saveCheckpoint(run, info, { weights: [], optimizer: [] });
  return findCheckpoint(run);
}

function heldBack(digest: string, validation: number[]) {
  const pictures = ['bat/1.jpg', 'bat/2.jpg', 'sup/3.jpg'].map((file, index) => ({
    file: join('my data', file),
    label: index === 2 ? 1 : 0,
    stamp: '',
  }));
  return {
    data: 'my data',
    dataset: { classes: ['bat', 'sup'], pictures },
    split: { train: [0], validation },
    digest,
  };
}

test('the validation pictures are those the training held back, in its folder or another one', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const checkpoint = await checkpointOf(run, 'abc');
  await saveHeldBack(run, heldBack('abc', [1, 2]));
  assert.deepEqual(await validationPictures(checkpoint), [
    { file: join('my data', 'bat/2.jpg'), label: 0 },
    { file: join('my data', 'sup/3.jpg'), label: 1 },
  ]);
  const [moved] = await validationPictures(checkpoint, '/elsewhere');
  assert.equal(moved?.file, join('/elsewhere', 'bat/2.jpg'));
});

test('a checkpoint from before pictures were added is evaluated on what its run holds back now', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const checkpoint = await checkpointOf(run, 'abc');
  await saveHeldBack(run, heldBack('now', [1]));
  assert.equal((await validationPictures(checkpoint)).length, 1);
});

test('copies that a run of an older version held back are left out', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const checkpoint = await checkpointOf(run, 'abc');
  const pictures = ['bat/1.png.jpg', 'bat/1.png.aug-0001.jpg'].map((file) => ({ file, label: 0 }));
  const former = { format: 'bat-sup validation', version: 1, dataset: 'abc', data: 'data', pictures };
  writeFileSync(join(run, 'validation.json'), JSON.stringify(former));
  assert.deepEqual(await validationPictures(checkpoint), [{ file: join('data', 'bat/1.png.jpg'), label: 0 }]);
});

test('an error says that the validation pictures are unknown, or that there are none', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const checkpoint = await checkpointOf(run, 'abc');
  await assert.rejects(validationPictures(checkpoint), /run-001 does not say which pictures were held back/);
  const { data } = heldBack('', []);
  const former = { format: 'bat-sup validation', version: 1, dataset: 'another', data, pictures: [] };
  writeFileSync(join(run, 'validation.json'), JSON.stringify(former));
  await assert.rejects(validationPictures(checkpoint), /does not say which .* "bat-sup evaluate <folder>"/);
  await saveHeldBack(run, heldBack('abc', []));
  await assert.rejects(validationPictures(checkpoint), /was trained on every picture/);
  writeFileSync(join(run, 'validation.json'), '{"format":');
  await assert.rejects(validationPictures(checkpoint), /validation\.json cannot be read \(it is not JSON\)/);
});

test('only a few pictures of a long list are in memory at a time, and unreadable ones are left out', async () => {
  const folder = temporaryFolder();
  const files = Array.from({ length: 200 }, (_, index) => `bat/${String(index).padStart(3, '0')}.jpg`);
  write(folder, ...files);
  let decoded = 0;
  let answered = 0;
  let maxWaiting = 0;
  const predictor: Predictor = {
    // So large that a batch has sixteen of them.
    description: { architecture: 'article', width: 200, height: 200, channels: 1, classes: ['bat', 'sup'] },
    fit: 'fill',
    checkpoint: '',
    layers: [],
    temperature: 3,
    forward: () => assert.fail('only predict is called'),
    async decode(picture) {
      decoded++;
      maxWaiting = Math.max(maxWaiting, decoded - answered);
      const number = Number(basename(String(picture), '.jpg'));
      if (number === 13) throw new Error('unlucky');
      return Uint8Array.of(number);
    },
    async predict(pictures, activation) {
      assert.equal(activation, 'none');
      answered += pictures.length;
      return pictures.map((pixels) => Float32Array.of(pixels[0] as number, -1));
    },
    dispose() {},
  };
  const pictures: LabelledPicture[] = files.map((file) => ({ file: join(folder, file), label: 1 }));
  (pictures[0] as LabelledPicture).source = 'rawdata/bat/000.png';
  const { answers, unreadable } = await collectAnswers(predictor, pictures);
  assert.deepEqual(answers.files.slice(0, 2), ['rawdata/bat/000.png', join(folder, 'bat/001.jpg')]);
  assert.deepEqual(unreadable, [{ file: join(folder, 'bat/013.jpg'), reason: 'unlucky' }]);
  assert.equal(answers.labels.length, 199);
  assert.equal(answers.logits.length, 2 * 199);
  assert.deepEqual([...answers.logits.subarray(2 * 13, 2 * 13 + 2)], [14, -1]);
  assert.ok(maxWaiting <= 64, `${maxWaiting} pictures at a time`);
});

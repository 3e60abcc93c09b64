import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import {
  type CheckpointInfo,
  findCheckpoint,
  loadTensors,
  newestRun,
  nextRunName,
  removeOldCheckpoints,
  saveCheckpoint,
} from '../../src/checkpoints/index.ts';
import { UserError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/folder.ts';

function info(step: number, validationAccuracy?: number): CheckpointInfo {
  return {
    model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
    preprocessing: { fit: 'fill', scale: 1 / 255 },
    training: { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2, dataset: '' },
    position: { step, epoch: 1, batch: 0, lossSum: 0, correct: 0 },
    metrics: validationAccuracy === undefined ? {} : { validationAccuracy },
  };
}

const weights = [
  { name: 'a/weights', shape: [2, 2], values: Float32Array.of(1, -2, 3.5, Number.MIN_VALUE) },
  { name: 'a/biases', shape: [1], values: Float32Array.of(0.05) },
];
const optimizer = [{ name: 'a/weights/m', shape: [2, 2], values: new Float32Array(4) }];

const save = (run: string, step: number, accuracy?: number) =>
  saveCheckpoint(run, info(step, accuracy), { weights, optimizer });

test('what is saved is loaded, bit for bit', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const folder = await save(run, 7, 0.5);
  const checkpoint = await findCheckpoint(folder);
  assert.deepEqual(checkpoint.manifest.position, info(7).position);
  const loaded = await loadTensors(checkpoint, 'weights.bin');
  for (const { name, values } of weights) assert.deepEqual(loaded.get(name), values);
  assert.deepEqual([...(await loadTensors(checkpoint, 'optimizer.bin')).keys()], ['a/weights/m']);
});

test('the newest four and the best are kept', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const accuracies = [0.5, 0.9, 0.6, 0.7, 0.8, 0.7, 0.6];
  for (const [index, accuracy] of accuracies.entries()) {
    await save(run, index + 1, accuracy);
    await removeOldCheckpoints(run, 4);
  }
  assert.deepEqual(
    readdirSync(run).map((name) => Number(name.slice(-8))),
    [2, 4, 5, 6, 7],
  );
  assert.equal((await findCheckpoint(run, 'best')).manifest.position.step, 2);
  assert.equal((await findCheckpoint(run, 'newest')).manifest.position.step, 7);
});

test('without validation the newest is taken', async () => {
  const run = join(temporaryFolder(), 'run-001');
  await save(run, 1);
  await save(run, 2);
  assert.equal((await findCheckpoint(run, 'best')).manifest.position.step, 2);
});

test('a save that was interrupted is not seen, and is removed after the next', async () => {
  const run = join(temporaryFolder(), 'run-001');
  await save(run, 1);
  mkdirSync(join(run, 'checkpoint-00000002.tmp'));
  mkdirSync(join(run, 'checkpoint-00000003'));
  writeFileSync(join(run, 'checkpoint-00000003', 'manifest.json'), '{"format": "bat-sup che');
  assert.equal((await findCheckpoint(run, 'newest')).manifest.position.step, 1);
  await save(run, 4);
  await removeOldCheckpoints(run, 4);
  assert.ok(!readdirSync(run).includes('checkpoint-00000002.tmp'));
});

test('runs are numbered on, and the one that saved last is the newest', async () => {
  const checkpoints = temporaryFolder();
  assert.equal(await nextRunName(checkpoints), 'run-001');
  await save(join(checkpoints, 'run-001'), 1);
  await save(join(checkpoints, 'run-009'), 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await save(join(checkpoints, 'mine'), 1);
  assert.equal(await nextRunName(checkpoints), 'run-010');
  assert.equal(basename(await newestRun(checkpoints)), 'mine');
});

test('a folder without checkpoints says what to do', async () => {
  await assert.rejects(findCheckpoint(temporaryFolder()), /holds no checkpoint; run "bat-sup train" first/);
});

const damages: [what: string, damage: (file: string) => void, says: RegExp][] = [
  ['cut', (file) => writeFileSync(file, readFileSync(file).subarray(0, 10)), /10 bytes instead of 20/],
  ['longer', (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(4)])), /24 bytes/],
  [
    'changed',
    (file) =>
      writeFileSync(
        file,
        readFileSync(file).map((byte, index) => (index === 3 ? byte ^ 64 : byte)),
      ),
    /its checksum differs/,
  ],
];
for (const [what, damage, says] of damages) {
  test(`weights that were ${what} are refused`, async () => {
    const folder = await save(join(temporaryFolder(), 'run-001'), 1);
    damage(join(folder, 'weights.bin'));
    await assert.rejects(loadTensors(await findCheckpoint(folder), 'weights.bin'), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, says);
      return error.message.includes(join(folder, 'weights.bin'));
    });
  });
}

test('a manifest that claims more than its files hold is refused before anything is read', async () => {
  const folder = await save(join(temporaryFolder(), 'run-001'), 1);
  const file = join(folder, 'manifest.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"bytes": 20/, '"bytes": 20000000000000'));
  await assert.rejects(loadTensors(await findCheckpoint(folder), 'weights.bin'), /20 bytes instead of/);
});

test('a folder that cannot be written is an error that names it', async () => {
  const run = join(temporaryFolder(), 'run-001');
  writeFileSync(run, 'a file where the folder should be');
  await assert.rejects(save(run, 1), (error) => error instanceof UserError && error.message.includes(run));
});

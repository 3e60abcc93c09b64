import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import {
  type CheckpointInfo,
  checkTensors,
  findCheckpoint,
  findIntact,
  listCheckpoints,
  loadTensors,
  type Manifest,
  newestRun,
  nextRunName,
  removeOldCheckpoints,
  saveCheckpoint,
} from '../../src/checkpoints/index.ts';
import { checksumOf } from '../../src/checkpoints/manifest.ts';
import { UserError } from '../../src/errors.ts';
import type { NamedTensor } from '../../src/tensors/tensors.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

function info(step: number, validationAccuracy?: number): CheckpointInfo {
  return {
    model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
    preprocessing: { fit: 'fill', scale: 1 / 255 },
    training: { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2, dataset: '' },
    position: { step, epoch: 1, batch: 0, lossSum: 0, correct: 0 },
    metrics: validationAccuracy === undefined ? {} : { validationAccuracy },
  };
}

/** Changes a manifest and its checksum. */
function rewriteManifest(folder: string, change: (manifest: Manifest) => void): void {
  const file = join(folder, 'manifest.json');
  const { checksum, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  change(manifest);
  writeFileSync(file, JSON.stringify({ ...manifest, checksum: checksumOf(manifest) }));
}

const weights = [
  { name: 'a/weights', shape: [2, 2], values: Float32Array.of(1, -2, 3.5, Number.MIN_VALUE) },
  { name: 'a/biases', shape: [1], values: Float32Array.of(0.05) },
];
const optimizer = [{ name: 'a/weights/m', shape: [2, 2], values: new Float32Array(4) }];

const save = (run: string, step: number, accuracy?: number) =>
  saveCheckpoint(run, info(step, accuracy), { weights, optimizer });

test('a checkpoint is loaded as it was saved, bit for bit', async () => {
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

test('without validation the newest is used', async () => {
  const run = join(temporaryFolder(), 'run-001');
  await save(run, 1);
  await save(run, 2);
  assert.equal((await findCheckpoint(run, 'best')).manifest.position.step, 2);
});

test('an interrupted save is ignored, and removed after the next one', async () => {
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

test('run numbers go up, and the run that saved last is the newest', async () => {
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
    await assertRefused(
      loadTensors(await findCheckpoint(folder), 'weights.bin'),
      says,
      join(folder, 'weights.bin'),
    );
  });
}

test('a manifest that claims more than its files hold is refused before anything is read', async () => {
  const folder = await save(join(temporaryFolder(), 'run-001'), 1);
  rewriteManifest(folder, (manifest) => {
    manifest.files['weights.bin'].bytes = 2e13;
    manifest.files['weights.bin'].tensors = [{ name: 'a', shape: [5e12] }];
  });
  await assert.rejects(loadTensors(await findCheckpoint(folder), 'weights.bin'), /20 bytes instead of 2000/);
});

test('a manifest of version 1, which has no checksum, is read', async () => {
  const folder = await save(join(temporaryFolder(), 'run-001'), 1);
  const file = join(folder, 'manifest.json');
  const { checksum, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  assert.match(checksum, /^[0-9a-f]{64}$/);
  writeFileSync(file, JSON.stringify({ ...manifest, version: 1 }));
  const checkpoint = await findCheckpoint(folder);
  assert.deepEqual((await loadTensors(checkpoint, 'weights.bin')).get('a/biases'), Float32Array.of(0.05));
});

const wrongs: [what: string, change: (manifest: Manifest) => void, says: RegExp][] = [
  ['contradicts itself', ({ files }) => void files['weights.bin'].tensors.pop(), /have 16 bytes, not 20/],
  [
    'has negative sizes',
    ({ files }) => void Object.assign(files['weights.bin'], { bytes: -4 }),
    /bytes is not a whole/,
  ],
  [
    'has no classes',
    ({ model }) => void Object.assign(model, { classes: [] }),
    /model\.classes is not a list of 1 or more/,
  ],
  [
    'names a class twice',
    ({ model }) => void Object.assign(model, { classes: ['a', 'a'] }),
    /two classes have the same name/,
  ],
  [
    'has another kind of numbers',
    ({ files }) => void Object.assign(files['weights.bin'], { dtype: 'float64' }),
    /dtype is not one of float32/,
  ],
  [
    'has two means for three channels',
    ({ preprocessing }) => void Object.assign(preprocessing, { mean: [1, 2] }),
    /it has 2 means for 3 channels/,
  ],
  [
    'divides by 0',
    ({ preprocessing }) => void Object.assign(preprocessing, { deviation: [1, 0, 1] }),
    /one of its deviations is 0/,
  ],
  [
    'has a mean that is not a number',
    ({ preprocessing }) => void Object.assign(preprocessing, { mean: [1, null, 1] }),
    /preprocessing\.mean\[1\] is not a number/,
  ],
  ...[0, -1, 1.01, null].map(
    (crop) =>
      [
        `has the crop ${crop}`,
        ({ preprocessing }: Manifest) => void Object.assign(preprocessing, { crop }),
        /its crop is .+, not above 0 and at most 1/,
      ] as [string, (manifest: Manifest) => void, RegExp],
  ),
  [
    'has a filter that bat-sup lacks',
    ({ preprocessing }) => void Object.assign(preprocessing, { filter: 'hamming' }),
    /preprocessing\.filter is not one of/,
  ],
  ['has no position', (manifest) => void Object.assign(manifest, { position: null }), /position is not an/],
  [
    'is of the future',
    (manifest) => void Object.assign(manifest, { version: 3 }),
    /newer version of bat-sup/,
  ],
  [
    'is of something else',
    (manifest) => void Object.assign(manifest, { format: 'x' }),
    /it is not a bat-sup checkpoint/,
  ],
];
for (const [what, change, says] of wrongs) {
  test(`a manifest that ${what} is refused, even with a correct checksum`, async () => {
    const folder = await save(join(temporaryFolder(), 'run-001'), 1);
    rewriteManifest(folder, change);
    await assertRefused(findCheckpoint(folder), says, join(folder, 'manifest.json'));
  });
}

test('mean, deviation, crop and filter are read as they were saved', async () => {
  const preprocessing = {
    fit: 'cover' as const,
    scale: 1,
    order: 'bgr' as const,
    mean: [127, 127.5, 128],
    deviation: [128, 128, -64],
    crop: 0.875,
    filter: 'bicubic' as const,
  };
  const run = join(temporaryFolder(), 'run-001');
  const tensors = { weights: [], optimizer: [] };
  const folder = await saveCheckpoint(run, { ...info(1), preprocessing }, tensors);
  assert.deepEqual((await findCheckpoint(folder)).manifest.preprocessing, preprocessing);
});

test('a manifest that was changed, is a pipe, or is larger than any is refused', async () => {
  const folder = await save(join(temporaryFolder(), 'run-001'), 1);
  const file = join(folder, 'manifest.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"width": 8', '"width": 9'));
  await assert.rejects(findCheckpoint(folder), /manifest\.json is damaged \(its checksum differs\)/);
  truncateSync(file, 65 * 2 ** 20);
  await assert.rejects(findCheckpoint(folder), /bytes are more than the 67108864 that it may have/);
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await assert.rejects(findCheckpoint(folder), /manifest\.json is damaged \(it is not a file\)/);
});

test('the best is the epoch that the training says, even where another one has a higher accuracy', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const saveEpoch = (epoch: number, accuracy: number) => {
    const saved = info(epoch + 1, accuracy);
    const best = { epoch: 0, metrics: { validationAccuracy: 0.7 } };
    return saveCheckpoint(
      run,
      { ...saved, position: { ...saved.position, epoch }, best },
      { weights, optimizer },
    );
  };
  await saveEpoch(0, 0.7);
  for (const [index, accuracy] of [0.6, 0.8, 0.7, 0.6, 0.65, 0.65].entries())
    await saveEpoch(index + 1, accuracy);
  await removeOldCheckpoints(run, 4);
  assert.deepEqual(
    (await listCheckpoints(run)).map(({ manifest }) => manifest.position.epoch),
    [0, 3, 4, 5, 6],
  );
  assert.equal((await findCheckpoint(run, 'best')).manifest.position.epoch, 0);
});

test('if the newest or the best is damaged, the next one is used, with a notice', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const [one, two, three, four] = await Promise.all(
    [0.9, 0.7, 0.8, 0.6].map((accuracy, index) => save(run, index + 1, accuracy)),
  );
  writeFileSync(join(four as string, 'manifest.json'), '{"format": "bat-sup che');
  truncateSync(join(three as string, 'optimizer.bin'), 3);
  writeFileSync(join(one as string, 'weights.bin'), Buffer.alloc(20));
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const newest = await findIntact(run, 'newest', ['weights.bin', 'optimizer.bin'], notice);
  assert.equal(newest.folder, two);
  assert.match(
    notices.join(),
    /0004.manifest\.json is damaged .*0003.optimizer\.bin is damaged .*\. Used instead: .*checkpoint-00000002$/,
  );
  assert.equal((await findIntact(run, 'best', ['weights.bin'], notice)).folder, three);
  assert.match(notices.at(-1) ?? '', /0001.weights\.bin is damaged/);
  await assert.rejects(findIntact(one as string, 'best', ['weights.bin'], notice), /weights\.bin is damaged/);

  for (const folder of [two, three] as string[]) rmSync(join(folder, 'weights.bin'));
  await assert.rejects(
    findIntact(run, 'best', ['weights.bin'], notice),
    /run-001 holds no intact checkpoint: /,
  );
});

test('checkpoints older than the newest intact one are not mentioned', async () => {
  const run = join(temporaryFolder(), 'run-001');
  writeFileSync(join(await save(run, 1), 'manifest.json'), '');
  await save(run, 2);
  const notices: string[] = [];
  await findIntact(run, 'newest', ['weights.bin'], (text) => void notices.push(text));
  assert.deepEqual(notices, []);
});

test('a newer run whose checkpoints are all damaged is skipped, with a notice', async () => {
  const checkpoints = temporaryFolder();
  await save(join(checkpoints, 'run-001'), 1);
  writeFileSync(join(await save(join(checkpoints, 'run-002'), 1), 'manifest.json'), '');
  const notices: string[] = [];
  const run = await newestRun(checkpoints, (text) => void notices.push(text));
  assert.equal(basename(run), 'run-001');
  assert.match(notices.join(), /run-002 is skipped: .*manifest\.json is damaged/);
});

test('a checkpoint of the same step is replaced; after a kill in between, the older one is found', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const folder = await save(run, 5, 0.1);
  renameSync(folder, `${folder}.old`); // killed after this renaming
  assert.equal((await findCheckpoint(run, 'newest')).manifest.metrics.validationAccuracy, 0.1);
  await save(run, 5, 0.2);
  cpSync(folder, `${folder}.old`, { recursive: true }); // killed before it was removed
  await save(run, 5, 0.3);
  assert.equal((await findCheckpoint(run, 'newest')).manifest.metrics.validationAccuracy, 0.3);
  assert.deepEqual(readdirSync(run), ['checkpoint-00000005']);
});

test('leftovers of an interrupted save or removal are not checkpoints, and are removed', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const folder = await save(run, 5);
  for (const end of ['tmp', 'gone', 'old']) cpSync(folder, `${folder}.${end}`, { recursive: true });
  cpSync(folder, join(run, 'checkpoint-00000004.gone'), { recursive: true });
  assert.equal((await listCheckpoints(run)).length, 1);
  await removeOldCheckpoints(run, 4);
  assert.deepEqual(readdirSync(run), ['checkpoint-00000005']);
});

/** Replaces the only checkpoint of the run by a copy, again and again. */
const turnOver = `
  const { cpSync, renameSync, rmSync } = require('node:fs');
  const name = (step) => 'checkpoint-' + String(step).padStart(8, '0');
  for (let step = 1; ; step++) {
    cpSync(name(step), 'next', { recursive: true });
    renameSync('next', name(step + 1));
    renameSync(name(step), 'gone');
    rmSync('gone', { recursive: true });
  }`;

test('a checkpoint is found while all are being replaced', async () => {
  const run = join(temporaryFolder(), 'run-001');
  await save(run, 1);
  const training = spawn(process.execPath, ['-e', turnOver], { cwd: run });
  try {
    for (let asked = 0; asked < 500; asked++) await findCheckpoint(run, 'newest');
  } finally {
    training.kill('SIGKILL');
    await once(training, 'exit');
  }
});

test('tensors that do not belong to the network are refused by name', async () => {
  const checkpoint = await findCheckpoint(await save(join(temporaryFolder(), 'run-001'), 1));
  checkTensors(checkpoint, 'weights.bin', weights);
  const [a] = weights as [NamedTensor];
  const check = (tensor: NamedTensor) => () => checkTensors(checkpoint, 'weights.bin', [tensor]);
  assert.throws(check({ ...a, shape: [4] }), /a\/weights is \[2,2\], not \[4\]/);
  assert.throws(check({ ...a, name: 'b' }), /b is missing/);
});

test('an error about an unwritable folder names it', async () => {
  const run = join(temporaryFolder(), 'run-001');
  writeFileSync(run, 'a file where the folder should be');
  await assert.rejects(save(run, 1), (error) => error instanceof UserError && error.message.includes(run));
});

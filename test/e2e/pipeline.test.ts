import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { cli, finish, finishAfter, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { checkpointsOf, manifestOf, newestCheckpoint, weightsDigest } from '../helpers/runs.ts';

const folder = temporaryFolder();
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--seed', '3'];

before(() => writeRawData(folder));

const runOf = (name: string) => join(folder, 'checkpoints', name);

test('augment fills each class up to the target', async () => {
  const { code, stderr } = await cli(folder, 'augment', '--target', '30', '--seed', '3');
  assert.equal(code, 0, stderr);
  assert.equal(readdirSync(join(folder, 'rawdata', 'animal')).length, 30);
  assert.equal(readdirSync(join(folder, 'rawdata', 'food')).length, 30);
});

test('resize copies every picture once', async () => {
  const first = await cli(folder, 'resize', '--width', '24', '--height', '24', '--json');
  assert.equal(first.code, 0, first.stderr);
  assert.equal(JSON.parse(first.stdout).made, 60);
  const second = await cli(folder, 'resize', '--width', '24', '--height', '24', '--json');
  assert.equal(JSON.parse(second.stdout).made, 0);
});

test('train prints the layers, trains two epochs and saves', async () => {
  const run = await cli(folder, 'train', '--epochs', '2', '--json', ...small);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /conv1 +24 x 24 x 16\n/);
  assert.match(run.stderr, /logits +2\n/);
  assert.match(run.stderr, /epoch 2\/2 {2}loss/);
  const result = JSON.parse(run.stdout);
  assert.equal(result.finished, true);
  assert.equal(result.epochs, 2);
  assert.ok(checkpointsOf(runOf('run-001')).length === 2);
});

test('a stopped training saves its position, and after resuming ends like an uninterrupted one', async () => {
  const arguments_ = ['--epochs', '6', '--json', ...small];
  const unbroken = await cli(folder, 'train', '--run', 'unbroken', ...arguments_);
  assert.equal(unbroken.code, 0, unbroken.stderr);

  const child = startCli(folder, ['train', '--run', 'broken', ...arguments_]);
  const broken = await finishAfter(child, 'epoch 2/6');
  assert.equal(broken.code, 0, broken.stderr);
  const stop = JSON.parse(broken.stdout);
  assert.equal(stop.finished, false);
  assert.ok(stop.epochs < 6);

  const resumed = await cli(folder, 'train', '--run', 'broken', '--resume', ...arguments_);
  assert.equal(resumed.code, 0, resumed.stderr);
  const [last, lastUnbroken] = ['broken', 'unbroken'].map((run) => newestCheckpoint(runOf(run))) as [
    string,
    string,
  ];
  assert.equal(basename(last), basename(lastUnbroken));
  const [a, b] = [manifestOf(last), manifestOf(lastUnbroken)];
  assert.equal(a.files['weights.bin'].sha256, b.files['weights.bin'].sha256);
  assert.equal(a.files['optimizer.bin'].sha256, b.files['optimizer.bin'].sha256);
  assert.deepEqual(a.metrics, b.metrics);
  // The newest four, and the best where that is an older one.
  assert.ok(checkpointsOf(runOf('broken')).length <= 5);
});

test('checkpoints are also saved between epochs, and every picture can be trained on', async () => {
  const flags = ['--validation-split', '0', '--save-every-steps', '3', '--keep-checkpoints', '9'];
  const run = await cli(folder, 'train', '--run', 'steps', '--epochs', '1', '--json', ...small, ...flags);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /60 pictures to train on, 0 for validation/);
  // 60 pictures in batches of 8 are 7 steps.
  assert.deepEqual(
    checkpointsOf(runOf('steps')).map((name) => Number(name.slice(-8))),
    [3, 6, 7],
  );
  assert.equal(JSON.parse(run.stdout).metrics.validationAccuracy, undefined);
});

test('another batch size on resuming continues at the same point of the epoch and says so', async () => {
  const flags = ['--width', '24', '--height', '24', '--seed', '3', '--epochs', '3', '--batch-size', '12'];
  const { code, stderr } = await cli(folder, 'train', '--run', 'run-001', '--resume', ...flags);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Continuing with changed settings: .*batchSize 8 -> 12/);
  assert.doesNotMatch(stderr, /starts again/);
});

test('the number of threads changes nothing', async () => {
  for (const threads of ['1', '2']) {
    const { code, stderr } = await cli(
      folder,
      'train',
      '--engine',
      'wasm',
      '--epochs',
      '1',
      '--run',
      `threads-${threads}`,
      '--threads',
      threads,
      ...small,
    );
    assert.equal(code, 0, stderr);
  }
  assert.equal(weightsDigest(runOf('threads-1')), weightsDigest(runOf('threads-2')));
});

test('predict needs only the checkpoint', async () => {
  const elsewhere = temporaryFolder();
  await emoji('fox').toFile(join(elsewhere, 'fox.png'));
  await emoji('hamburger').webp().toFile(join(elsewhere, 'burger.png'));
  const checkpoint = ['--checkpoint', join(folder, 'checkpoints', 'unbroken')];
  const json = await cli(elsewhere, 'predict', '.', '--json', '--top-k', '2', ...checkpoint);
  assert.equal(json.code, 0, json.stderr);
  const answers = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    answers.map(({ file }) => file),
    ['./burger.png', './fox.png'],
  );
  for (const answer of answers) {
    const [first, second] = answer.top;
    assert.equal(answer.class, first.class);
    assert.ok(first.probability >= second.probability);
    assert.ok(Math.abs(first.probability + second.probability - 1) < 1e-5);
  }

  const csv = await cli(elsewhere, 'predict', '*.png', '--csv', '--activation', 'sigmoid', ...checkpoint);
  assert.equal(csv.stdout.split('\n')[0], 'file,class,probability,animal,food,error');
  const logits = await cli(elsewhere, 'predict', 'fox.png', '--json', '--activation', 'none', ...checkpoint);
  const { logit } = JSON.parse(logits.stdout);
  const sigmoid = Number(csv.stdout.split('\n')[2]?.split(',')[2]);
  assert.ok(Math.abs(1 / (1 + Math.exp(-logit)) - sigmoid) < 1e-5);
});

test('predict takes a picture, or a list of files, from stdin', async () => {
  const elsewhere = temporaryFolder();
  const file = join(elsewhere, 'fox.png');
  await emoji('fox').toFile(file);
  const checkpoint = ['--checkpoint', join(folder, 'checkpoints', 'unbroken')];
  const answers = [];
  for (const input of [readFileSync(file), `${file}\n`]) {
    const child = startCli(elsewhere, ['predict', '-', '--json', ...checkpoint]);
    child.stdin?.end(input);
    const { code, stdout, stderr } = await finish(child);
    assert.equal(code, 0, stderr);
    answers.push(JSON.parse(stdout));
  }
  assert.equal(answers[0].file, '-');
  assert.equal(answers[1].file, file);
  assert.equal(answers[0].probability, answers[1].probability);
});

test('an unreadable file is one line on stderr and exit code 1; the others are classified', async () => {
  const elsewhere = temporaryFolder();
  await emoji('fox').toFile(join(elsewhere, 'fox.png'));
  writeFileSync(join(elsewhere, 'bad.png'), 'no picture');
  const checkpoint = ['--checkpoint', join(folder, 'checkpoints', 'unbroken')];
  const { code, stdout, stderr } = await cli(
    elsewhere,
    'predict',
    'bad.png',
    'fox.png',
    'missing.png',
    ...checkpoint,
  );
  assert.equal(code, 1);
  assert.match(stdout, /^fox\.png {2}(animal|food) [01]\.\d{4}\n$/);
  assert.match(stderr, /bad\.png: /);
  assert.match(stderr, /missing\.png: there is no such file/);
});

test('train writes data/ itself, and updates it when a picture is added', async () => {
  const fresh = temporaryFolder();
  await writeRawData(fresh);
  const arguments_ = ['train', '--epochs', '1', ...small];
  assert.equal((await cli(fresh, ...arguments_)).code, 0);
  assert.equal(readdirSync(join(fresh, 'data', 'animal')).length, 12);
  await emoji('fox').toFile(join(fresh, 'rawdata', 'animal', 'fox.png'));
  assert.equal((await cli(fresh, ...arguments_)).code, 0);
  assert.equal(readdirSync(join(fresh, 'data', 'animal')).length, 13);
});

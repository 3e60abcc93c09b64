import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { verifyCheckpoint } from '../../src/checkpoints/index.ts';
import { cli, finish, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { checkpointsOf, outcome } from '../helpers/runs.ts';
import { remount, smallDisk } from '../helpers/small_disk.ts';

const folder = temporaryFolder();
const small = ['--width', '16', '--height', '16', '--batch-size', '4'];
const epochs = ['--epochs', '4'];
const runFolder = (name: string) => join(folder, 'checkpoints', name);
const whole = runFolder('whole');
/** Twenty pictures in batches of four. */
const stepsAnEpoch = 5;

before(async () => {
  await writeRawData(folder);
  const { code, stderr } = await cli(folder, 'train', '--run', 'whole', ...small, ...epochs);
  assert.equal(code, 0, stderr);
});

/** A copy of the whole run, up to the end of an epoch. */
function copyRun(name: string, epoch = 4): string {
  const run = runFolder(name);
  cpSync(whole, run, { recursive: true });
  for (const checkpoint of checkpointsOf(run))
    if (Number(checkpoint.slice(-8)) > epoch * stepsAnEpoch)
      rmSync(join(run, checkpoint), { recursive: true });
  return run;
}

const oneLine = (stderr: string) => stderr.trim().split('\n').at(-1) ?? '';

test('if the newest checkpoint is damaged, training continues from the one before, to the same result', async () => {
  const run = copyRun('damaged');
  truncateSync(join(run, checkpointsOf(run)[3] as string, 'optimizer.bin'), 1000);
  writeFileSync(join(run, checkpointsOf(run)[2] as string, 'manifest.json'), '{');
  const { code, stderr } = await cli(folder, 'train', '--run', 'damaged', '--resume', ...small, ...epochs);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /optimizer\.bin is damaged \(1000 bytes instead of \d+\)\. Used instead: .*00000010\n/,
  );
  assert.match(stderr, /00000015.manifest\.json is damaged \(it is not JSON\)/);
  assert.deepEqual(outcome(run), outcome(whole));
});

test('predict, evaluate and export use the next best if the best is damaged, and say so', async () => {
  const run = copyRun('best');
  const { stdout } = await cli(folder, 'checkpoints', 'best', '--json');
  const best = JSON.parse(stdout).checkpoints.find(({ isBest }: { isBest: boolean }) => isBest);
  writeFileSync(join(folder, best.folder, 'weights.bin'), '');
  for (const command of [
    ['predict', 'rawdata/food/taco.png'],
    ['evaluate', '--no-calibrate'],
    ['export', '--format', 'onnx'],
  ]) {
    const { code, stderr } = await cli(folder, ...command, '--checkpoint', run);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /bat-sup: .*weights\.bin is damaged .*\. Used instead: /);
  }
});

test('a run in training is refused to a second training, and is not disturbed', async () => {
  const first = startCli(folder, ['train', '--run', 'shared', ...small, '--epochs', '40']);
  let second: Promise<Awaited<ReturnType<typeof cli>>> | undefined;
  const { code, stderr } = await finish(first, (soFar) => {
    if (second || !soFar.includes('epoch 2/40')) return;
    second = cli(folder, 'train', '--run', 'shared', '--resume', ...small, '--epochs', '40');
    second.then(() => first.kill('SIGINT'));
  });
  const refused = await second;
  assert.equal(refused?.code, 1);
  assert.match(
    oneLine(refused?.stderr ?? ''),
    /shared is in use by process \d+ since .*; wait for it, stop it/,
  );
  assert.equal(code, 0, stderr);
  assert.ok(!existsSync(join(runFolder('shared'), 'training.lock')));
});

test('a training from the start does not mix with the checkpoints of another', async () => {
  const { code, stderr } = await cli(folder, 'train', '--run', 'whole', ...small, ...epochs);
  assert.equal(code, 1);
  assert.match(
    oneLine(stderr),
    /whole holds the checkpoints of a training; continue it with --resume, or name/,
  );
});

test('the epochs and the learning rate may change on resuming, are reported and recorded', async () => {
  const run = copyRun('changed');
  const changes = ['--epochs', '5', '--learning-rate', '0.0005'];
  const { code, stderr } = await cli(folder, 'train', '--run', 'changed', '--resume', ...small, ...changes);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Continuing with changed settings: epochs 4 -> 5; learningRate 0\.001 -> 0\.0005\n/);
  const { sessions } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
  assert.deepEqual(sessions.at(-1).changed, {
    epochs: { was: 4, is: 5 },
    learningRate: { was: 0.001, is: 0.0005 },
  });
  assert.equal(outcome(run).manifest.training.learningRate, 0.0005);
});

test('other classes are refused, with the differences', async () => {
  const elsewhere = temporaryFolder();
  cpSync(folder, elsewhere, { recursive: true });
  mkdirSync(join(elsewhere, 'rawdata', 'tools'));
  await emoji('hammer').toFile(join(elsewhere, 'rawdata', 'tools', 'hammer.png'));
  const { code, stderr } = await cli(elsewhere, 'train', '--run', 'whole', '--resume', ...small, ...epochs);
  assert.equal(code, 1);
  assert.match(oneLine(stderr), /cannot be resumed: classes differ \(new: tools\)\./);
  assert.deepEqual(checkpointsOf(join(elsewhere, 'checkpoints', 'whole')), checkpointsOf(whole));
});

test('a full disk ends the training in one line, and with free space it continues to the same result', async (context) => {
  const disk = smallDisk(context, 12_000); // three checkpoints of 3.5 MB
  if (!disk) return;
  const train = ['train', '--checkpoints', disk, '--run', 'full', ...small, ...epochs];
  const run = join(disk, 'full');
  const full = await cli(folder, ...train);
  assert.equal(full.code, 1);
  assert.match(oneLine(full.stderr), /^bat-sup: .* cannot be (saved|written) \(?.*ENOSPC/);
  assert.ok(checkpointsOf(run).length >= 2);
  for (const name of checkpointsOf(run)) assert.deepEqual(await verifyCheckpoint(join(run, name)), []);
  remount(disk, 'size=64m');
  const again = await cli(folder, ...train, '--resume');
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(outcome(run), outcome(whole));
});

test('an unwritable folder is refused in one line, and nothing is lost', async (context) => {
  const disk = smallDisk(context, 64_000);
  if (!disk) return;
  cpSync(whole, join(disk, 'whole'), { recursive: true });
  remount(disk, 'ro');
  const train = ['train', '--checkpoints', disk, ...small, '--epochs', '6'];
  for (const flags of [['--run', 'whole', '--resume'], []]) {
    const { code, stderr } = await cli(folder, ...train, ...flags);
    assert.equal(code, 1);
    assert.match(
      oneLine(stderr),
      /^bat-sup: .* cannot be written \(.*EROFS.*\); check the folder's permissions/,
    );
  }
  assert.deepEqual(outcome(join(disk, 'whole')), outcome(whole));
  const { code } = await cli(folder, 'predict', 'rawdata/food/taco.png', '--checkpoint', disk);
  assert.equal(code, 0);
});

test('checkpoints lists, inspects, compares and verifies', async () => {
  const listed = await cli(folder, 'checkpoints', 'whole', '--json');
  const { checkpoints } = JSON.parse(listed.stdout);
  const steps = checkpoints.map(({ step }: { step: number }) => step);
  assert.deepEqual(steps, [5, 10, 15, 20]);
  assert.deepEqual(checkpoints.at(-1).metrics, outcome(whole).manifest.metrics);
  assert.equal(checkpoints.at(-1).isNewest, true);
  const text = await cli(folder, 'checkpoints', 'list', 'whole');
  assert.match(text.stdout, /^checkpoint-00000020 .*newest$/m);

  const inspected = JSON.parse(
    (await cli(folder, 'checkpoints', 'inspect', 'whole', '--newest', '--json')).stdout,
  );
  // The three convolutions and the two fully connected layers, of 2 x 2 x 64 features.
  const parameters =
    76 * 16 - 16 + 16 + 257 * 32 - 32 + (9 * 32 + 1) * 64 - 32 + (2 * 2 * 64 + 1) * 1024 + 1025 * 2;
  assert.ok(Math.abs(inspected.parameters - parameters) < 100);
  assert.match(
    (await cli(folder, 'checkpoints', 'inspect', 'whole')).stdout,
    /fc1\/weights +256 x 1024 +262144/,
  );

  const [before, after] = ['whole/checkpoint-00000010', 'whole/checkpoint-00000015'];
  const same = JSON.parse((await cli(folder, 'checkpoints', 'diff', 'whole', 'whole', '--json')).stdout);
  assert.deepEqual([same.values, same.sameOptimizer], [{}, true]);
  assert.ok(same.tensors.every(({ largest }: { largest: number }) => largest === 0));
  const other = JSON.parse((await cli(folder, 'checkpoints', 'diff', before, after, '--json')).stdout);
  assert.deepEqual(other.values['position.step'], [10, 15]);
  assert.ok(other.tensors.every(({ largest }: { largest: number }) => largest > 0));

  assert.equal((await cli(folder, 'checkpoints', 'verify', 'whole')).code, 0);
  const run = copyRun('bad');
  truncateSync(join(run, 'checkpoint-00000010', 'weights.bin'), 8);
  const verified = await cli(folder, 'checkpoints', 'verify', 'bad');
  assert.equal(verified.code, 1);
  assert.match(verified.stdout, /00000005 {2}intact\n.*00000010 {2}.*weights\.bin is damaged \(8 bytes/);
  assert.match(oneLine(verified.stderr), /^bat-sup: 1 of 4 checkpoints cannot be used/);
});

test('checkpoints prune removes checkpoints that are neither the best nor new, and refuses the others', async () => {
  const run = copyRun('pruned');
  cpSync(join(run, 'checkpoint-00000005'), join(run, 'checkpoint-00000007.tmp'), { recursive: true });
  const { stdout } = await cli(folder, 'checkpoints', 'pruned', '--json');
  const best = JSON.parse(stdout).checkpoints.find(({ isBest }: { isBest: boolean }) => isBest).name;
  const kept = [...new Set([best, 'checkpoint-00000020'])].sort();
  const prune = ['checkpoints', 'prune', 'pruned', '--keep-checkpoints', '1', '--json'];

  const told = JSON.parse((await cli(folder, ...prune, '--dry-run')).stdout);
  assert.equal(checkpointsOf(run).length, 4);
  const { removed, freed } = JSON.parse((await cli(folder, ...prune)).stdout);
  assert.deepEqual(removed, told.removed);
  assert.equal(removed.length, 5 - kept.length);
  assert.ok(freed > removed.length * 3e6);
  assert.deepEqual(checkpointsOf(run), kept);
  assert.ok(!existsSync(join(run, 'checkpoint-00000007.tmp')));

  const refused = await cli(folder, 'checkpoints', 'prune', 'pruned/checkpoint-00000020');
  assert.equal(refused.code, 1);
  assert.match(oneLine(refused.stderr), /00000020 is the .*newest of its run; --force removes it anyway/);
  assert.deepEqual(checkpointsOf(run), kept);
  const forced = await cli(folder, 'checkpoints', 'prune', 'pruned/checkpoint-00000020', '--force');
  assert.equal(forced.code, 0, forced.stderr);
  assert.ok(!checkpointsOf(run).includes('checkpoint-00000020'));
});

test('checkpoints: a wrong path is an error of one line', async () => {
  for (const [arguments_, code, says] of [
    [['nowhere'], 1, /There is no "nowhere", here or in checkpoints/],
    [['inspect', 'rawdata'], 1, /rawdata holds no checkpoint/],
    [['diff', 'whole'], 2, /missing required argument 'after'/],
  ] as const) {
    const run = await cli(folder, 'checkpoints', ...arguments_);
    assert.match(run.stderr, says);
    assert.deepEqual([run.code, run.stdout, run.stderr.trim().split('\n').length], [code, '', 1]);
  }
});

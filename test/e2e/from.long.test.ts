/** train --from, as a user types it: from a run, from a file, stopped and resumed, and on two ranks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { bin } from '../helpers/bin.ts';
import { cliWith, finish, finishAfter, startCli, userEnvironment } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { mpirunOf, system, withoutMpirun } from '../helpers/mpirun.ts';
import { manifestOf, newestCheckpoint, outcome, weightsDigest } from '../helpers/runs.ts';

const folder = temporaryFolder();
const environment = { XDG_CACHE_HOME: temporaryFolder() };
const runOf = (run: string) => join(folder, 'checkpoints', run);
const fail = (...args: string[]) => cliWith(environment, folder, ...args);

async function run(...args: string[]) {
  const done = await cliWith(environment, folder, ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

before(async () => {
  await writeRawData(folder);
  await run(
    'train',
    '--width',
    '32',
    '--height',
    '32',
    '--epochs',
    '2',
    '--batch-size',
    '8',
    '--run',
    'start',
  );
  await run('export', '--format', 'onnx', '--checkpoint', 'start', '--output', 'start.onnx');
  for (const icon of ['airplane', 'bus', 'canoe', 'rocket', 'taxi', 'bicycle'])
    await emoji(icon).toFile(join(folder, 'rawdata', 'food', `${icon}.png`));
});

const few = ['--epochs', '2', '--batch-size', '8'];

test('a run, its name, and the file that it was exported to are the same start', async () => {
  for (const [from, name] of [
    ['start', 'name'],
    ['checkpoints/start', 'path'],
    ['start.onnx', 'file'],
  ] as const) {
    const { stderr, stdout } = await run('train', '--from', from, '--run', name, '--json', ...few);
    assert.match(stderr, /^learning {2}its head kept; [\d,]+ of [\d,]+ weights learn$/m);
    assert.match(stderr, /^start {2}val loss /m);
    assert.equal(JSON.parse(stdout).epochs, 2);
  }
  // A file does not say what was held back, which a run does.
  assert.equal(weightsDigest(runOf('name')), weightsDigest(runOf('path')));
  assert.equal(manifestOf(newestCheckpoint(runOf('file'))).model.architecture, 'article');
});

test('it stops and continues to the same bits, also when what it started from is gone', async () => {
  const args = ['train', '--from', 'start', '--freeze', 'conv*', ...few, '--run'];
  await run(...args, 'whole');
  const child = startCli(folder, [...args, 'broken'], environment);
  await finishAfter(child, 'epoch 1/2');
  await run('train', '--resume', '--run', 'broken');
  assert.deepEqual(outcome(runOf('broken')).weights, outcome(runOf('whole')).weights);
  assert.deepEqual(outcome(runOf('broken')).optimizer, outcome(runOf('whole')).optimizer);
});

test('a resumed run keeps its start', async () => {
  const other = await fail('train', '--resume', '--run', 'whole', '--from', 'start.onnx');
  assert.equal(other.code, 2);
  assert.match(other.stderr, /^bat-sup: checkpoints\/whole started from start; leave out --from, or /m);
  const hint = await fail('train', '--resume', '--run', 'whole', '--scale', '1');
  assert.equal(hint.code, 2);
  assert.match(hint.stderr, /has read its network already; leave out the flags/);
});

for (const [args, says] of [
  [['--from', 'nowhere'], /from names "nowhere", which does not exist; give the path of /],
  [['--from', 'rawdata'], /rawdata is not in a format that bat-sup imports/],
  [['--from', 'start', '--pretrained'], /name two networks; leave one out\./],
  [['--from', 'start', '--architecture', 'deep'], /name two networks; leave one out\./],
  [['--from', 'start', '--channels', '1'], /reads pictures of channels 3 \(colour\), not 1 \(grey\)/],
  [['--from', 'start', '--freeze', 'conv1', '--fine-tune', '2'], /both say what learns; leave one out\./],
  [
    ['--from', 'start', '--freeze', 'layer1'],
    /--freeze names layer1, but the network has no such layer; its layers are conv1, /,
  ],
  [['--from', 'start', '--freeze', '*'], /nothing can learn; freeze fewer\./],
  [['--from', 'start', '--order', 'bgr'], /says how it is read; leave out the flags for files\./],
  [['--order', 'bgr'], /need --from <file>\./],
  [['--freeze', 'conv1'], /freeze \(--freeze\) needs a network to start from; add --pretrained or --from\./],
  [
    ['--from', 'start', '--width', '64'],
    /the weights of fc1 fit no other size; use --width 32 --height 32\./,
  ],
] as const)
  test(`train ${args.join(' ')} is refused in one line, before anything is made`, async () => {
    const { code, stdout, stderr } = await fail('train', ...args, '--run', 'refused');
    assert.ok(code === 1 || code === 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, says);
    assert.ok(!existsSync(runOf('refused')));
  });

test('lr-find tries what would learn, from there', async () => {
  const { stdout } = await run('lr-find', '--from', 'start', '--freeze', 'conv1', '--steps', '10');
  assert.match(stdout, /train --from start --freeze conv1 .*--learning-rate /);
  const { stderr } = await fail('lr-find', '--from', 'start', '--fine-tune', '0', '--steps', '10');
  assert.match(stderr, /fitted exactly, without a learning rate/);
});

test('two ranks train a new head as one process does', { skip: withoutMpirun() }, async () => {
  for (const icon of ['airplane', 'bus', 'canoe', 'rocket', 'taxi', 'bicycle'])
    await emoji(icon).toFile(join(folder, 'rawdata', 'animal', `${icon}.png`));
  const args = ['train', '--from', 'start', '--fine-tune', '0', '--run'];
  await run(...args, 'one');
  const mpirun = ['--allow-run-as-root', '--oversubscribe', '-n', '2', process.execPath, bin];
  const env = { ...userEnvironment(), ...environment };
  const child = spawn(mpirunOf(system), [...mpirun, ...args, 'two'], { cwd: folder, env });
  const { code, stderr } = await finish(child);
  assert.equal(code, 0, stderr);
  assert.equal(weightsDigest(runOf('two')), weightsDigest(runOf('one')));
  const more = ['train', '--from', 'start', ...few, '--run', 'whole-two'];
  const whole = await finish(spawn(mpirunOf(system), [...mpirun, ...more], { cwd: folder, env }));
  assert.equal(whole.code, 0, whole.stderr);
});

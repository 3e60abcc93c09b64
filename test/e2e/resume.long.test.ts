/** --resume is the run: its settings hold, changes are told, and what does not fit is refused before anything is done. */
import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli, cliWith, finishAfter, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { checkpointsOf, outcome } from '../helpers/runs.ts';

const folder = temporaryFolder();
const settings = (
  '--recipe best --architecture residual --width 16 --height 20 --channels 1 --fit contain --epochs 3 --batch-size 4 ' +
  '--learning-rate 0.0003 --learning-rate-schedule cosine --warmup 1 --weight-decay 0.5 --clip-norm 0.1 --dropout 0.5 ' +
  '--label-smoothing 0.3 --class-weights balanced --ema 0.9 --early-stopping 3 --validation-split 0.3 --seed 7 ' +
  '--keep-checkpoints 2'
).split(' ');
const others =
  'export default { epochs: 50, width: 64, height: 64, channels: 3, fit: "fill", ema: 0, seed: 1 } as const;';
const runOf = (name: string) => join(folder, 'checkpoints', name);
const sessionsOf = (name: string) => JSON.parse(readFileSync(join(runOf(name), 'run.json'), 'utf8')).sessions;

/** What tells whether a folder was touched. */
function filesOf(place: string): unknown[] {
  const names = readdirSync(place, { recursive: true }) as string[];
  return names.sort().map((name) => [name, statSync(join(place, name)).mtimeMs]);
}

before(async () => {
  await writeRawData(folder);
  const whole = await cli(folder, 'train', '--run', 'whole', ...settings);
  assert.equal(whole.code, 0, whole.stderr);
});

test('stopped and resumed by --resume alone, a training ends with the same bits, whatever config.ts says', async () => {
  const child = startCli(folder, ['train', '--run', 'broken', ...settings]);
  const stopped = await finishAfter(child, 'epoch 1/3');
  assert.match(
    stopped.stdout,
    /^Stopped after [12] of 3 epochs.*\n(.*\n)*Next: bat-sup train --resume --run broken/,
  );
  writeFileSync(join(folder, 'config.ts'), others);
  const { code, stderr } = await cliWith(
    { BATSUP_WARMUP: '0' },
    folder,
    'train',
    '--resume',
    '--run',
    'broken',
  );
  rmSync(join(folder, 'config.ts'));
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /changed settings|starts again/);
  assert.match(
    stderr,
    /^bat-sup: Kept from checkpoints.broken \(only flags change them\): width 16 \(config\.ts: 64\); .*; warmup 1 \(BATSUP_WARMUP: 0\); /m,
  );
  assert.deepEqual(outcome(runOf('broken')), outcome(runOf('whole')));
  const [first, second] = sessionsOf('broken');
  assert.deepEqual(second.settings, first.settings);
});

test('a finished run says so and what to do, and nothing is changed', async () => {
  const was = filesOf(runOf('whole'));
  const text = await cli(folder, 'train', '--resume', '--run', 'whole');
  assert.equal(text.code, 0);
  assert.match(
    text.stderr,
    /^checkpoints.whole has trained all of its 3 epochs\.\nTo train it further: bat-sup train --resume --run whole .*--epochs 6\n$/,
  );
  assert.match(text.stdout, /^Trained 3 of 3 epochs/);
  const json = await cli(folder, 'train', '--resume', 'auto', '--run', 'whole', '--json');
  const result = JSON.parse(json.stdout);
  assert.deepEqual([result.finished, result.epochs], [true, 3]);
  assert.deepEqual(result.metrics, outcome(runOf('whole')).manifest.metrics);
  assert.deepEqual(filesOf(runOf('whole')), was);
});

test('flags change the run’s settings, and each change is reported', async () => {
  cpSync(runOf('whole'), runOf('changed'), { recursive: true });
  const flags = ['--epochs', '4', '--ema', '0.5', '--augment', 'off', '--label-smoothing', '0.3'];
  const { code, stderr } = await cli(folder, 'train', '--resume', '--run', 'changed', ...flags);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^Continuing with changed settings: augment online -> off; epochs 3 -> 4; ema 0\.9\s+-> 0\.5$/m,
  );
  const last = sessionsOf('changed').at(-1);
  assert.deepEqual(last.changed, {
    augment: { was: 'online', is: 'off' },
    epochs: { was: 3, is: 4 },
    ema: { was: 0.9, is: 0.5 },
  });
  assert.equal(last.settings.dropout, 0.5);
});

for (const [what, flags, says] of [
  ['another size', ['--width', '24'], /whole.checkpoint-\d+ cannot be resumed: width 16 -> 24\./],
  ['other channels', ['--channels', '3'], /cannot be resumed: channels 1 -> 3\./],
  ['another network', ['--architecture', 'deep'], /cannot be resumed: architecture residual -> deep\./],
] as const) {
  test(`${what} is refused before anything is changed`, async () => {
    const was = filesOf(folder);
    const { code, stdout, stderr } = await cli(
      folder,
      'train',
      '--resume',
      '--run',
      'whole',
      '--epochs',
      '9',
      ...flags,
    );
    assert.match(stderr, says);
    assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [1, '', 1]);
    assert.deepEqual(filesOf(folder), was);
  });
}

test('other classes are refused before data/ is changed', async () => {
  const elsewhere = temporaryFolder();
  cpSync(folder, elsewhere, { recursive: true, preserveTimestamps: true });
  const train = ['train', '--resume', '--run', 'whole', '--epochs', '9'];
  mkdirSync(join(elsewhere, 'rawdata', 'tools'));
  await emoji('hammer').toFile(join(elsewhere, 'rawdata', 'tools', 'hammer.png'));
  const was = filesOf(join(elsewhere, 'data'));
  const more = await cli(elsewhere, ...train);
  assert.match(more.stderr, /cannot be resumed: classes differ \(new: tools\)\./);
  rmSync(join(elsewhere, 'rawdata', 'food'), { recursive: true });
  const renamed = await cli(elsewhere, ...train);
  assert.match(renamed.stderr, /cannot be resumed: classes differ \(gone: food; new: tools\)\./);
  assert.deepEqual([more.code, renamed.code], [1, 1]);
  assert.deepEqual(filesOf(join(elsewhere, 'data')), was);
});

test('--resume auto starts if nothing is saved, and continues otherwise', async () => {
  const elsewhere = temporaryFolder();
  cpSync(join(folder, 'rawdata'), join(elsewhere, 'rawdata'), { recursive: true });
  const train = [
    'train',
    '--resume',
    'auto',
    '--run',
    'bats',
    '--width',
    '16',
    '--height',
    '16',
    '--batch-size',
    '4',
  ];
  const refused = await cli(elsewhere, 'train', '--resume', '--run', 'bats');
  assert.match(refused.stderr, /bats holds no checkpoint; run "bat-sup train" first/);
  // What a kill left of a first save is nothing to continue from.
  mkdirSync(join(elsewhere, 'checkpoints', 'bats', 'checkpoint-00000004.tmp'), { recursive: true });
  const first = await cli(elsewhere, ...train, '--epochs', '1');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /^bat-sup: checkpoints.bats holds no checkpoint yet; starting a new run\.$/m);
  const again = await cli(elsewhere, ...train, '--epochs', '2');
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /^Resuming after epoch 1, step \d+$/m);
  const newest = await cli(elsewhere, 'train', '--resume', 'auto', '--epochs', '3');
  assert.match(newest.stderr, /^Resuming after epoch 2, step \d+$/m);
  assert.deepEqual(readdirSync(join(elsewhere, 'checkpoints')), ['bats']);

  const run = join(elsewhere, 'checkpoints', 'bats');
  for (const name of checkpointsOf(run)) truncateSync(join(run, name, 'weights.bin'), 8);
  const was = filesOf(elsewhere);
  for (const flags of [['--run', 'bats'], []]) {
    const { code, stderr } = await cli(elsewhere, 'train', '--resume', 'auto', '--epochs', '4', ...flags);
    assert.equal(code, 1);
    assert.match(stderr, /^bat-sup: .*bats holds no intact checkpoint: .*weights\.bin is damaged/);
  }
  assert.deepEqual(filesOf(elsewhere), was);
});

test('--resume does not take a folder', async () => {
  const { code, stdout, stderr } = await cli(folder, 'train', '--resume', 'rawdata');
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(
    stderr,
    /^bat-sup: --resume must be followed by nothing or by auto; received "rawdata"\. .*before --resume\.\n$/,
  );
});

test('a run whose record is damaged is refused: its settings are not known', async () => {
  cpSync(runOf('whole'), runOf('unknown'), { recursive: true });
  writeFileSync(join(runOf('unknown'), 'run.json'), '{');
  const { code, stderr } = await cli(
    folder,
    'train',
    '--resume',
    'auto',
    '--run',
    'unknown',
    '--epochs',
    '9',
  );
  assert.equal(code, 1);
  assert.match(stderr, /^bat-sup: .*run\.json is damaged; delete it/);
});

test('an imported network continues training in its own size, channels and scale', async () => {
  const exported = await cli(
    folder,
    'export',
    '--checkpoint',
    runOf('whole'),
    '--format',
    'onnx',
    '--output',
    'whole.onnx',
  );
  assert.equal(exported.code, 0, exported.stderr);
  const imported = await cli(folder, 'import', 'whole.onnx', '--run', 'imported', '--classes', 'animal,food');
  assert.equal(imported.code, 0, imported.stderr);
  const train = ['train', '--resume', '--run', 'imported', '--epochs', '1', '--batch-size', '4'];
  const { code, stderr } = await cli(folder, ...train);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^bat-sup: checkpoints.imported has no run\.json: /m);
  assert.match(stderr, /^pictures {2}20 x 16 x 1$/m);
  assert.equal(checkpointsOf(runOf('imported')).length, 2);
});

test('if the pictures have moved, the flag’s folder is used, and that is reported', async () => {
  const elsewhere = temporaryFolder();
  cpSync(folder, elsewhere, { recursive: true, preserveTimestamps: true });
  renameSync(join(elsewhere, 'rawdata'), join(elsewhere, 'photos'));
  const train = ['train', '--resume', '--run', 'whole', '--epochs', '4', '--raw-data', 'photos'];
  const { code, stderr } = await cli(elsewhere, ...train);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Continuing with changed settings: rawData rawdata -> photos; epochs 3 -> 4\n/);
  // From here on they are the run's.
  const again = await cli(
    elsewhere,
    'train',
    '--resume',
    '--run',
    'whole',
    '--epochs',
    '5',
    '--early-stopping',
    '0',
  );
  assert.match(again.stderr, /Continuing with changed settings: epochs 4 -> 5; earlyStopping 3 -> 0\n/);
});

test('if the raw pictures are gone, data/ is used as it is, whatever else is in rawdata/', async () => {
  const elsewhere = temporaryFolder();
  for (const name of ['checkpoints', 'data'])
    cpSync(join(folder, name), join(elsewhere, name), { recursive: true, preserveTimestamps: true });
  cpSync(join(folder, 'rawdata'), join(elsewhere, 'usb'), { recursive: true });
  const resume = ['train', '--resume', '--run', 'whole', '--early-stopping', '0'];
  const first = await cli(elsewhere, ...resume, '--epochs', '4', '--raw-data', 'usb');
  assert.equal(first.code, 0, first.stderr);
  renameSync(join(elsewhere, 'usb'), join(elsewhere, 'unplugged'));
  // The same classes, other pictures.
  for (const name of ['animal', 'food']) {
    mkdirSync(join(elsewhere, 'rawdata', name), { recursive: true });
    await emoji('hammer').toFile(join(elsewhere, 'rawdata', name, 'hammer.png'));
  }
  const was = filesOf(join(elsewhere, 'data'));
  const second = await cli(elsewhere, ...resume, '--epochs', '5');
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stderr, /^Continuing with changed settings: epochs 4 -> 5$/m);
  assert.doesNotMatch(second.stderr, /starts again/);
  const classes = (files: unknown[]) => files.filter((file) => !String(file).startsWith('.cache'));
  assert.deepEqual(classes(filesOf(join(elsewhere, 'data'))), classes(was));
  rmSync(join(elsewhere, 'data'), { recursive: true });
  const third = await cli(elsewhere, ...resume, '--epochs', '6');
  assert.equal(third.code, 1);
  assert.match(
    third.stderr,
    /^bat-sup: .*cannot be resumed: neither usb nor data holds its pictures; name their folder with --raw-data\.\n$/,
  );
});

test('evaluate reports data/ in another size than the run’s, and how to restore it', async () => {
  const elsewhere = temporaryFolder();
  cpSync(folder, elsewhere, { recursive: true, preserveTimestamps: true });
  const evaluate = ['evaluate', '--checkpoint', join('checkpoints', 'whole'), '--no-calibrate', '--json'];
  const first = await cli(elsewhere, ...evaluate);
  assert.equal(first.code, 0, first.stderr);
  assert.doesNotMatch(first.stderr, /resized again/);
  await cli(elsewhere, 'resize', '--width', '40', '--height', '40');
  const other = await cli(elsewhere, ...evaluate);
  const [, back = ''] =
    /data was resized again after whole was trained.*"bat-sup (.*)" restores/.exec(other.stderr) ?? [];
  assert.equal(back, 'resize --width 16 --height 20 --channels 1 --fit contain');
  const resized = await cli(elsewhere, ...back.split(' '));
  assert.equal(resized.code, 0, resized.stderr);
  const again = await cli(elsewhere, ...evaluate);
  assert.doesNotMatch(again.stderr, /resized again/);
  assert.equal(again.stdout, first.stdout);
});

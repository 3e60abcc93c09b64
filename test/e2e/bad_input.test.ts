import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { checksumOf } from '../../src/checkpoints/manifest.ts';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { writeFiles } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const good = temporaryFolder();
before(async () => {
  await writeRawData(good);
  const { code, stderr } = await cli(good, 'train', '--epochs', '1', '--width', '16', '--height', '16');
  assert.equal(code, 0, stderr);
});

interface Case {
  what: string;
  arguments: string[];
  /** Files to write, by path; empty content makes a folder. */
  files?: Record<string, string>;
  code: 1 | 2;
  says: RegExp;
}

const cases: Case[] = [
  {
    what: 'unknown command',
    arguments: ['trian'],
    code: 2,
    says: /unknown command 'trian'; did you mean train\? See/,
  },
  {
    what: 'unknown flag',
    arguments: ['train', '--epoch', '3'],
    code: 2,
    says: /unknown option --epoch; did you mean --epochs\? See bat-sup train --help/,
  },

  { what: 'augment without rawdata', arguments: ['augment'], code: 1, says: /rawdata/ },
  {
    what: 'augment, wrong target',
    arguments: ['augment', '--target', '-3'],
    code: 2,
    says: /augmentTarget must be a whole number of at least 1; received "-3"/,
  },
  {
    what: 'augment, unknown operation',
    arguments: ['augment', '--augment-operations', 'flip,melt'],
    files: { 'rawdata/a/': '' },
    code: 2,
    says: /flipLeftRight.*received "flip"/,
  },
  { what: 'resize without rawdata', arguments: ['resize'], code: 1, says: /rawdata/ },
  {
    what: 'resize, wrong width',
    arguments: ['resize', '--width', 'wide'],
    code: 2,
    says: /width must be a whole number from 8 to 4096; received "wide" \(--width\)/,
  },
  {
    what: 'resize, a class that has only unreadable files',
    arguments: ['resize'],
    files: { 'rawdata/a/x.png': 'no picture', 'rawdata/b/y.jpg': '<html></html>' },
    code: 1,
    says: /rawdata.a/,
  },

  { what: 'train without pictures', arguments: ['train'], code: 1, says: /rawdata/ },
  {
    what: 'train with one class',
    arguments: ['train'],
    files: { 'data/only/': '' },
    code: 1,
    says: /only the class "only"; a classifier needs at least two/,
  },
  {
    what: 'train with an empty class',
    arguments: ['train'],
    files: { 'data/a/': '', 'data/b/': '' },
    code: 1,
    says: /data.a holds no picture/,
  },
  {
    what: 'train on damaged data',
    arguments: ['train', '--batch-size', '1', '--validation-split', '0'],
    files: { 'data/a/x.jpg': 'no picture', 'data/b/y.jpg': 'no picture' },
    code: 1,
    says: /x\.jpg cannot be read|y\.jpg cannot be read/,
  },
  {
    what: 'train, wrong engine',
    arguments: ['train', '--engine', 'tpu'],
    code: 2,
    says: /engine must be one of .*; received "tpu" \(--engine\)/,
  },
  {
    what: 'resume without checkpoint',
    arguments: ['train', '--resume'],
    code: 1,
    says: /checkpoints holds no checkpoint/,
  },
  {
    what: 'wrong run name',
    arguments: ['train', '--run', '../x'],
    code: 2,
    says: /--run must be a name .*; received "\.\.\/x"/,
  },
  {
    what: 'config.ts with a wrong value',
    arguments: ['train'],
    files: { 'config.ts': 'export default { epochs: -1 }' },
    code: 2,
    says: /epochs must be a whole number of at least 1; received -1 \(config\.ts\)/,
  },

  {
    what: 'predict without pictures',
    arguments: ['predict'],
    code: 2,
    says: /No pictures are named; give files, folders or globs, --files-from or --watch/,
  },
  {
    what: 'predict without checkpoint',
    arguments: ['predict', 'x.jpg'],
    code: 1,
    says: /checkpoints holds no checkpoint/,
  },
  {
    what: 'predict, wrong activation',
    arguments: ['predict', 'x.jpg', '--activation', 'tanh'],
    code: 2,
    says: /activation/,
  },
  {
    what: 'predict, wrong top-k',
    arguments: ['predict', 'x.jpg', '--top-k', '0'],
    code: 2,
    says: /--top-k must be a whole number of at least 1; received "0"/,
  },
  {
    what: 'predict, two formats',
    arguments: ['predict', 'x.jpg', '--json', '--csv'],
    code: 2,
    says: /exclude each other/,
  },

  {
    what: 'evaluate without checkpoint',
    arguments: ['evaluate'],
    code: 1,
    says: /checkpoints holds no checkpoint; run "bat-sup train" first/,
  },
  {
    what: 'evaluate, wrong number of top losses',
    arguments: ['evaluate', '--top-losses', '-1'],
    code: 2,
    says: /--top-losses must be a whole number of at least 0; received "-1"/,
  },
  {
    what: 'evaluate, two formats',
    arguments: ['evaluate', '--json', '--csv'],
    code: 2,
    says: /exclude each other/,
  },
  {
    what: 'evaluate, two folders',
    arguments: ['evaluate', 'a', 'b'],
    code: 2,
    says: /too many arguments/,
  },
  { what: 'runs without a run', arguments: ['runs'], code: 1, says: /checkpoints holds no runs/ },
  { what: 'runs, none of a name', arguments: ['runs', 'x'], code: 1, says: /holds no run "x"/ },
  { what: 'report without a run', arguments: ['report'], code: 1, says: /checkpoints holds no checkpoint/ },
  { what: 'report, none of a name', arguments: ['report', 'x'], code: 1, says: /holds no run "x"/ },
  {
    what: 'explain without pictures',
    arguments: ['explain'],
    code: 2,
    says: /missing required argument 'pictures'/,
  },
  {
    what: 'explain without checkpoint',
    arguments: ['explain', 'x.jpg'],
    code: 1,
    says: /checkpoints holds no checkpoint/,
  },
];

for (const { what, arguments: arguments_, files = {}, code, says } of cases) {
  test(`${what}: one line, exit code ${code}`, async () => {
    const folder = temporaryFolder();
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, path, content === '' ? '.' : '..'), { recursive: true });
      if (content !== '') writeFileSync(join(folder, path), content);
    }
    const run = await cli(folder, ...arguments_);
    assert.match(run.stderr, says);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr.trim().split('\n').at(-1) ?? '', /^bat-sup: /);
    assert.doesNotMatch(run.stderr, /\n\s+at /);
    assert.equal(run.stdout, '');
  });
}

const evaluations: [what: string, files: Record<string, string>, says: RegExp][] = [
  ['a folder that is not there', {}, /There is no folder exam; /],
  [
    'a folder of other classes',
    { 'exam/cats/x.png': 'x' },
    /exam holds no pictures of the network's classes/,
  ],
  ['a file', { exam: 'x' }, /exam is a file; name the folder/],
];
for (const [what, files, says] of evaluations) {
  test(`evaluate, ${what}: one line, exit code 1`, async () => {
    const folder = temporaryFolder();
    writeFiles(folder, files);
    const run = await cli(folder, 'evaluate', 'exam', '--checkpoint', join(good, 'checkpoints'));
    assert.match(run.stderr, says);
    assert.deepEqual([run.code, run.stdout], [1, '']);
    assert.equal(run.stderr.trim().split('\n').length, 1);
  });
}

test('fewer pictures than a batch', async () => {
  const run = await cli(good, 'train', '--batch-size', '500', '--width', '16', '--height', '16');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /fewer than one batch of 500/);
});

test('a resume that does not fit lists what differs and loses nothing', async () => {
  const before = readdirSync(join(good, 'checkpoints', 'run-001'));
  const run = await cli(good, 'train', '--resume', '--width', '20', '--height', '16');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /cannot be resumed: width 16 -> 20\./);
  assert.deepEqual(readdirSync(join(good, 'checkpoints', 'run-001')), before);
});

/** Rewrites a checkpoint's weights, checksums included. */
function poison(checkpoint: string): void {
  const { checksum, ...manifest } = JSON.parse(readFileSync(join(checkpoint, 'manifest.json'), 'utf8'));
  const weights = new Float32Array(manifest.files['weights.bin'].bytes / 4).fill(Number.NaN);
  writeFileSync(join(checkpoint, 'weights.bin'), weights);
  manifest.files['weights.bin'].sha256 = createHash('sha256').update(weights).digest('hex');
  const signed = { ...manifest, checksum: checksumOf(manifest) };
  writeFileSync(join(checkpoint, 'manifest.json'), JSON.stringify(signed));
}

test('a loss that is not a number stops training and keeps the earlier checkpoints', async () => {
  const folder = temporaryFolder();
  cpSync(good, folder, { recursive: true, preserveTimestamps: true });
  const run = join(folder, 'checkpoints', 'run-001');
  const [checkpoint] = readdirSync(run).filter((name) => name.startsWith('checkpoint-'));
  poison(join(run, checkpoint as string));
  const result = await cli(folder, 'train', '--resume', '--epochs', '9', '--width', '16', '--height', '16');
  assert.equal(result.code, 1);
  assert.match(result.stderr, /The loss became NaN in epoch 2, step 3; .* Lower --learning-rate/);
  assert.deepEqual(
    readdirSync(run).filter((name) => name.startsWith('checkpoint-')),
    [checkpoint],
  );
});

test('a damaged checkpoint is named', async () => {
  const [name] = readdirSync(join(good, 'checkpoints', 'run-001')).filter((one) =>
    one.startsWith('checkpoint-'),
  );
  const file = join(good, 'checkpoints', 'run-001', name as string, 'weights.bin');
  const bytes = readFileSync(file);
  bytes[100] = (bytes[100] as number) ^ 1;
  writeFileSync(file, bytes);
  const run = await cli(good, 'predict', 'rawdata/animal/bat.png', '--checkpoint', join(file, '..'));
  assert.equal(run.code, 1);
  assert.match(run.stderr, /weights\.bin is damaged \(its checksum differs\)/);
});

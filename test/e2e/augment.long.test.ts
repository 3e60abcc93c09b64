import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { cli, cliWith, finish, finishAfter, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';
import { weightsDigest } from '../helpers/runs.ts';

const folder = temporaryFolder();
before(() => writeRawData(folder));

/** Every generated picture's digest by its path. */
function digests(root: string): Record<string, string> {
  const files = readdirSync(join(root, 'rawdata'), { recursive: true }).map(String).sort();
  const generated = files.filter((file) => /\.aug-\d{4}\.jpg$/.test(file));
  const digest = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(root, 'rawdata', file)))
      .digest('hex');
  return Object.fromEntries(generated.map((file) => [file, digest(file)]));
}

test('a killed run goes on to the same files, with other workers', async () => {
  const broken = temporaryFolder();
  await writeRawData(broken);
  const child = startCli(broken, ['augment', '--target', '200', '--workers', '1']);
  const timer = setInterval(() => {
    if (Object.keys(digests(broken)).length > 20) child.kill('SIGKILL');
  }, 20);
  const { code } = await finish(child);
  clearInterval(timer);
  assert.notEqual(code, 0);
  assert.ok(Object.keys(digests(broken)).length < 376);
  const resumed = await cli(broken, 'augment', '--target', '200', '--workers', '3', '--json');
  assert.equal(resumed.code, 0, resumed.stderr);
  const { made, kept } = JSON.parse(resumed.stdout);
  assert.ok(kept > 0 && made + kept === 376, resumed.stdout);

  const whole = await cli(folder, 'augment', '--target', '200');
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(whole.stdout, /^animal: 200 pictures \(12 sources, 188 generated\)\n/);
  assert.deepEqual(digests(broken), digests(folder));
  const cleaned = await cli(folder, 'augment', '--clean');
  assert.equal(cleaned.stdout, 'rawdata: 376 generated pictures removed\n');
});

test('--preview draws a sheet and writes nothing else', async () => {
  const run = await cli(
    folder,
    'augment',
    '--preview',
    'sheet.png',
    '--augment-operations',
    'rotate,invert',
    '--json',
  );
  assert.equal(run.code, 0, run.stderr);
  const { columns, pictures } = JSON.parse(run.stdout);
  assert.deepEqual(columns, ['source', 'rotate', 'invert', 'copy 1', 'copy 2', 'copy 3', 'copy 4']);
  assert.equal(pictures.length, 4);
  const { data, info } = await sharp(join(folder, 'sheet.png')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [6 + 7 * 166, 6 + 4 * 184]);
  // Grounds: white in the source's tile, black in the inverted one's.
  const at = (x: number, y: number) => data[(y * info.width + x) * info.channels] as number;
  assert.ok(at(10, 30) > 250);
  assert.ok(at(10 + 2 * 166, 30) < 5);
  assert.equal(Object.keys(digests(folder)).length, 0);
});

test('config.ts and the environment give parameters', async () => {
  const own = temporaryFolder();
  await writeRawData(own);
  const config = `export default {
    augmentOperations: ['invert', { operation: 'rotate', probability: 0.7, maxLeft: 10, maxRight: 10 }],
    augmentClasses: { food: [{ operation: 'invert', probability: 1 }] },
  }`;
  writeFileSync(join(own, 'config.ts'), config);
  const run = await cli(own, 'augment', '--target', '14');
  assert.equal(run.code, 0, run.stderr);
  const settings = JSON.parse(readFileSync(join(own, 'rawdata', '.augmented.json'), 'utf8'));
  assert.deepEqual(settings.operations[1], {
    operation: 'rotate',
    probability: 0.7,
    maxLeft: 10,
    maxRight: 10,
  });
  assert.deepEqual(settings.classes.food, [{ operation: 'invert', probability: 1 }]);
  const environment = { BATSUP_AUGMENT_OPERATIONS: '[{"operation":"zoom","maxFactor":3}]' };
  const shown = await cliWith(environment, own, 'config');
  assert.match(
    shown.stdout,
    /augmentOperations +BATSUP_AUGMENT_OPERATIONS\s+\[\{"operation":"zoom","maxFactor":3\}\]/,
  );
});

test('--list names every operation and parameter', async () => {
  const { stdout, code } = await cli(folder, 'augment', '--list');
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^rotate {2}rotates, and [^(]*\(probability 0\.5\)\n {4}maxLeft .*a number from 0 to\s+180; default 20$/m,
  );
  const { stdout: json } = await cli(folder, 'augment', '--list', '--json');
  assert.ok(JSON.parse(json).length > 40);
});

interface Case {
  what: string;
  arguments: string[];
  config?: string;
  says: RegExp;
  code?: number;
}

const cases: Case[] = [
  {
    what: 'operation',
    arguments: ['--augment-operations', 'melt'],
    says: /operation must be one of .*; received "melt"/,
  },
  {
    what: 'no operation',
    arguments: ['--augment-operations', ''],
    says: /augmentOperations must be a list.*; received ""/,
  },
  {
    what: 'JSON',
    arguments: ['--augment-operations', '[{]'],
    says: /augmentOperations must be a list.*; received "\[\{\]"/,
  },
  {
    what: 'parameter',
    arguments: ['--augment-operations', '[{"operation":"zoom","faktor":2}]'],
    says: /zoom has no parameter "faktor"; it has probability, minFactor, maxFactor/,
  },
  {
    what: 'value',
    arguments: ['--augment-operations', '[{"operation":"zoom","maxFactor":99}]'],
    says: /zoom\.maxFactor must be a number from 0\.1 to 10; received 99/,
  },
  {
    what: 'class',
    arguments: ['--augment-classes', '{"txt":["zoom"]}'],
    says: /no class "txt"; it has animal, food/,
  },
  {
    what: 'classes',
    arguments: ['--augment-classes', 'text'],
    says: /augmentClasses must be an object.*; received "text"/,
  },
  {
    what: 'class’s operation',
    arguments: ['--augment-classes', '{"food":["melt"]}'],
    says: /received "melt" \(augmentClasses\.food\)/,
  },
  {
    what: 'operations in config.ts',
    arguments: [],
    config: 'export default { augmentOperations: [3] }',
    says: /augmentOperations must be a list of operations.*; received \[ 3 \] \(config\.ts\)/,
  },
  { what: 'folder of masks', arguments: ['--masks', 'nowhere'], says: /There is no folder nowhere/, code: 1 },
  {
    what: 'sheet',
    arguments: ['--preview', 'nowhere/sheet.png'],
    says: /nowhere.sheet\.png cannot be written/,
    code: 1,
  },
  {
    what: 'operation of the preview',
    arguments: ['--preview', 's.png', '--augment-operations', 'melt'],
    says: /operation must be .*received "melt"/,
  },
];

for (const { what, arguments: arguments_, config, says, code = 2 } of cases) {
  test(`augment, wrong ${what}: one line, exit code ${code}, nothing written`, async () => {
    const own = temporaryFolder();
    for (const name of ['animal', 'food']) {
      mkdirSync(join(own, 'rawdata', name), { recursive: true });
      const picture = plain('red', 8);
      await picture.png().toFile(join(own, 'rawdata', name, '1.png'));
    }
    if (config) writeFileSync(join(own, 'config.ts'), config);
    const run = await cli(own, 'augment', ...arguments_);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.match(run.stderr, /^bat-sup: [^\n]*\n$/);
    assert.equal(run.stdout, '');
    assert.equal(Object.keys(digests(own)).length, 0);
    assert.ok(!existsSync(join(own, 's.png')));
  });
}

test('training varies pictures online, and a stopped one goes on to the same weights', async () => {
  const flags = [
    '--width',
    '24',
    '--height',
    '24',
    '--batch-size',
    '4',
    '--epochs',
    '4',
    '--augment',
    'online',
    '--json',
  ];
  const train = (run: string, ...more: string[]) => ['train', '--run', run, ...flags, ...more];
  const weights = (run: string) => weightsDigest(join(folder, 'checkpoints', run));
  const unbroken = await cli(folder, ...train('unbroken'));
  assert.equal(unbroken.code, 0, unbroken.stderr);
  const child = startCli(folder, train('broken'));
  await finishAfter(child, 'epoch 1/4');
  const resumed = await cli(folder, ...train('broken', '--resume'));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(weights('broken'), weights('unbroken'));
  const off = await cli(folder, ...train('off', '--augment', 'off'));
  assert.equal(off.code, 0, off.stderr);
  assert.notEqual(weights('off'), weights('unbroken'));
  const wrong = await cli(folder, ...train('wrong', '--augment-operations', 'mixup'));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /mixup needs other pictures/);
});

test('pictures with shared labels are trained on', async () => {
  const own = temporaryFolder();
  await writeRawData(own);
  const mixing = ['--augment-operations', '[{"operation":"mixup","probability":1}]'];
  assert.equal((await cli(own, 'augment', '--target', '20', ...mixing)).code, 0);
  const run = await cli(
    own,
    'train',
    '--epochs',
    '1',
    '--width',
    '24',
    '--height',
    '24',
    '--batch-size',
    '4',
  );
  assert.equal(run.code, 0, run.stderr);
  assert.ok(existsSync(join(own, 'data', '.soft_labels.json')));
});

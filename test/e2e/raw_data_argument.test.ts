/** The folder of raw pictures as an argument, and what is said where it cannot be used. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const photos = temporaryFolder();
const rawData = join(photos, 'rawdata');
const small = ['--width', '16', '--height', '16'];

before(() => writeRawData(photos));

test('check, resize, augment and train take the folder as an argument', async () => {
  const folder = temporaryFolder();
  const report = JSON.parse((await cli(folder, 'check', rawData, '--json')).stdout);
  assert.equal(report.rawData, rawData);
  assert.equal(report.classes.length, 2);
  const resized = JSON.parse((await cli(folder, 'resize', rawData, '--json', ...small)).stdout);
  assert.deepEqual([resized.made, resized.classes], [report.pictures, ['animal', 'food']]);
  const trained = await cli(folder, 'train', rawData, '--epochs', '1', ...small);
  assert.match(trained.stdout, /^Trained 1 of 1 epochs/);
  const advised = [
    `--raw-data ${rawData}`,
    '--width 16',
    '--height 16',
    '--epochs 1',
    '--engine wasm',
    '--recipe best',
  ];
  assert.ok(trained.stdout.includes(`\n  bat-sup train ${advised.join(' ')}\n`), trained.stdout);
  assert.ok(existsSync(join(folder, 'checkpoints', 'run-001')));
  const cleaned = await cli(folder, 'augment', rawData, '--clean');
  assert.match(cleaned.stdout, /rawdata: 0 generated pictures removed/);
});

test('a missing folder is refused, even if data/ has pictures from before', async () => {
  const folder = temporaryFolder();
  await cli(folder, 'resize', rawData, ...small);
  for (const given of [['nosuch'], ['--raw-data', 'nosuch']]) {
    const run = await cli(folder, 'train', ...given, '--epochs', '1', ...small);
    assert.equal(run.code, 1);
    assert.match(run.stderr, /^bat-sup: There is no folder nosuch; \S+ holds data\.\n$/);
  }
  assert.ok(!existsSync(join(folder, 'checkpoints')));
});

test('a class folder is refused, with the command for the folder above', async () => {
  for (const command of ['train', 'check', 'resize', 'augment']) {
    const inside = await cli(join(rawData, 'animal'), command, '.');
    assert.equal(inside.code, 1);
    assert.equal(
      inside.stderr,
      `bat-sup: . holds the pictures of one class; give the folder of all classes: go to ${photos} and run "bat-sup ${command} rawdata".\n`,
    );
    const outside = await cli(temporaryFolder(), command, join(rawData, 'animal'));
    assert.match(outside.stderr, new RegExp(`all classes: "bat-sup ${command} ${rawData}"\\.\n$`));
  }
});

test('the argument and the flag together are wrong usage', async () => {
  const { code, stderr } = await cli(photos, 'check', rawData, '--raw-data', rawData);
  assert.equal(code, 2);
  assert.match(stderr, /give one of them/);
});

/** A network that is trained with a crop and another filter meets the same pixels wherever it is used. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Manifest } from '../../src/checkpoints/index.ts';
import { decodePicture } from '../../src/images/decode.ts';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { manifestOf } from '../helpers/runs.ts';

const folder = temporaryFolder();
const size = ['--width', '24', '--height', '24', '--fit', 'cover'];
const cropped = ['--crop', '0.7', '--filter', 'bicubic'];
let manifest: Manifest;

async function run(...args: string[]) {
  const done = await cli(folder, ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

async function jsonOf(...args: string[]) {
  return JSON.parse((await run(...args, '--json')).stdout);
}

before(async () => {
  await writeRawData(folder);
  await run('train', '--epochs', '3', '--batch-size', '8', '--validation-split', '0.4', ...size, ...cropped);
  manifest = manifestOf(join(folder, (await jsonOf('evaluate')).checkpoint));
});

test('the checkpoint says how its pictures were cropped and resampled', async () => {
  assert.deepEqual(manifest.preprocessing, {
    fit: 'cover',
    scale: 1 / 255,
    order: 'rgb',
    crop: 0.7,
    filter: 'bicubic',
  });
  const { stdout } = await run('checkpoints', 'inspect', 'checkpoints');
  assert.match(stdout, /^ {2}crop +0\.7$/m);
  assert.match(stdout, /^ {2}filter +bicubic$/m);
});

test('evaluate gives the held-back copies, which are cropped already, the same answers as training', async () => {
  const { accuracy } = await jsonOf('evaluate', '--no-calibrate');
  assert.equal(accuracy, manifest.metrics.validationAccuracy);
});

test('predict answers a picture and its cropped copy alike', async () => {
  const files = ['rawdata/animal/bat.png', 'data/animal/bat.png.jpg'];
  const { stdout } = await run('predict', ...files, '--json', '--top-k', '2');
  const [raw, copy] = stdout
    .trim()
    .split('\n')
    .map((line) => new Map(JSON.parse(line).top.map((one: { class: string }) => [one.class, one]))) as [
    Map<string, { probability: number }>,
    Map<string, { probability: number }>,
  ];
  for (const [name, { probability }] of raw)
    assert.ok(Math.abs(probability - (copy.get(name)?.probability ?? 2)) < 0.05, name);
  const target = { width: 24, height: 24, channels: 3, fit: 'cover' } as const;
  const [whole, part] = await Promise.all(
    [{}, { crop: 0.7, filter: 'bicubic' } as const].map((more) =>
      decodePicture(join(folder, 'rawdata/animal/bat.png'), { ...target, ...more }),
    ),
  );
  assert.notDeepEqual(whole, part);
});

test('a resumed run keeps both, and says where a flag changes them', async () => {
  const resume = ['train', '--resume', '--epochs', '4', '--batch-size', '8'];
  const same = await run(...resume, '--fit', 'cover');
  assert.doesNotMatch(same.stderr, /crop|filter/);
  const other = await run(...resume, '--epochs', '5', '--crop', '0.9');
  assert.match(other.stderr, /Continuing with changed settings: .*crop 0\.7 -> 0\.9/);
});

test('evaluate says that data/ was resized with another crop or filter, and what restores it', async () => {
  await run('resize', ...size, '--crop', '0.5');
  const { stderr } = await run('evaluate', '--newest');
  const [, command = ''] = /data was resized again .*"bat-sup (.*)" restores/s.exec(stderr) ?? [];
  assert.match(command, /--crop 0\.9/);
  assert.match(command, /--filter bicubic/);
  await run(...command.split(/\s+/));
  assert.doesNotMatch((await run('evaluate', '--newest')).stderr, /resized again/);
});

/** Files that no photographer made, through the real command: a line for each, the rest done, nothing lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { pngClaiming } from '../helpers/hostile.ts';
import { remount, smallDisk } from '../helpers/small_disk.ts';

const folder = temporaryFolder();
const hostile = join(folder, 'rawdata', 'animal');
const small = ['--width', '24', '--height', '24'];

const laughs = Array.from({ length: 12 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

/** What is wrong with each file, or undefined for what is a picture all the same. */
const files: [name: string, content: Buffer | string | (() => void), says: RegExp | undefined][] = [
  ['zero.jpg', '', /the file is empty/],
  ['page.jpg', '<!doctype html><p>not found', /HTML, not a picture/],
  ['bomb.png', pngClaiming(60_000, 60_000), /more than 200 million pixels/],
  ['laughs.svg', `<!DOCTYPE svg [<!ENTITY l0 "ha">${laughs}]><svg>&l12;</svg>`, /not a picture|damaged SVG/],
  ['nowhere.jpg', () => symlinkSync('gone.jpg', join(hostile, 'nowhere.jpg')), /there is no such file/],
  ['itself.jpg', () => symlinkSync('itself.jpg', join(hostile, 'itself.jpg')), /a link that leads to itself/],
  ['pipe.jpg', () => execFileSync('mkfifo', [join(hostile, 'pipe.jpg')]), /not a regular file/],
  ['around', () => symlinkSync('..', join(hostile, 'around')), /a folder/],
  ['folder.jpg', () => mkdirSync(join(hostile, 'folder.jpg')), undefined],
  ['-rf.jpg', '', /the file is empty/],
  ['two\nlines.jpg', '', /the file is empty/],
];

before(async () => {
  await writeRawData(folder);
  for (const [name, content] of files) {
    if (typeof content === 'function') content();
    else writeFileSync(join(hostile, name), content);
  }
  const bat = await emoji('bat').jpeg().toBuffer();
  writeFileSync(join(hostile, 'half.jpg'), bat.subarray(0, bat.length / 2));
  // Pictures, whatever else they are.
  writeFileSync(join(hostile, 'and-a-zip.jpg'), Buffer.concat([bat, Buffer.from('PK\x03\x04 and more')]));
  writeFileSync(join(hostile, 'ünï 🦇.jpg'), bat);
  writeFileSync(join(hostile, `${'n'.repeat(245)}.jpg`), bat);
});

const wrong = files.filter(([, , says]) => says !== undefined);
const good = 12 + 3;

test('resize prints one line for each, and resizes the others', async () => {
  const { code, stdout, stderr } = await cli(folder, 'resize', ...small);
  assert.equal(code, 0, stderr);
  const lines = stderr.trim().split('\n');
  for (const [name, , says] of wrong) {
    const line = lines.find((one) => one.includes(`${JSON.stringify(name).slice(1, -1)}`));
    assert.match(line ?? `no line for ${name} in:\n${stderr}`, says as RegExp);
  }
  assert.match(stderr, /half\.jpg: damaged JPEG/);
  assert.equal(lines.length, wrong.length + 1, stderr);
  assert.match(stdout, new RegExp(`${good + 12} pictures resized`));
  assert.equal(readdirSync(join(folder, 'data', 'animal')).length, good);
});

test('train resizes the missing pictures and trains on the readable ones', async () => {
  const { code, stderr } = await cli(folder, 'train', '--epochs', '1', '--batch-size', '8', ...small);
  assert.equal(code, 0, stderr);
});

test('predict classifies the others and exits with 1', async () => {
  const { code, stdout, stderr } = await cli(folder, 'predict', hostile, '--json');
  assert.equal(code, 1);
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(answers.filter((one) => one.class !== undefined).length, good);
  // And half.jpg.
  assert.equal(answers.length, good + wrong.length + 1);
  for (const [name] of wrong) {
    assert.ok(stderr.includes(JSON.stringify(name).slice(1, -1)), name);
    assert.ok(
      answers.some((one) => one.file.endsWith(`/${name}`) && typeof one.error === 'string'),
      name,
    );
  }
  assert.match(stderr, /could not be read; the others are classified/);
});

test('check handles them as well', async () => {
  const { code, stdout } = await cli(folder, 'check', '--json');
  assert.equal(code, 0);
  for (const [name] of wrong) assert.ok(stdout.includes(JSON.stringify(name).slice(1, -1)), name);
});

test('a full disk ends the resizing in one line, and with free space it continues', async (context) => {
  const disk = smallDisk(context, 40);
  if (!disk) return;
  // Runs once the disk is unmounted: nothing was written to the folder below it.
  context.after(() => assert.ok(!existsSync(join(disk, 'animal'))));
  const full = await cli(folder, 'resize', '--data', disk, '--width', '64', '--height', '64');
  assert.equal(full.code, 1);
  const last = full.stderr.trim().split('\n').at(-1) ?? '';
  assert.match(last, /cannot be written: ENOSPC: no space left/);
  const rests = readdirSync(disk, { recursive: true }).filter((name) => String(name).includes('.tmp-'));
  assert.deepEqual(rests, []);
  remount(disk, 'size=4m');
  const again = await cli(folder, 'resize', '--data', disk, '--width', '64', '--height', '64', '--json');
  assert.equal(again.code, 0, again.stderr);
  assert.equal(readdirSync(join(disk, 'animal')).length, good);
  for (const name of readdirSync(join(disk, 'food')))
    assert.ok(
      readFileSync(join(disk, 'food', name))
        .subarray(-2)
        .equals(Buffer.of(0xff, 0xd9)),
      name,
    );
});

/** similar and suggest with the real EfficientNet-Lite0. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { cliWith } from '../helpers/cli.ts';
import { emoji, iconsOf, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const name = 'efficientnet-lite0';
const skip = withoutWheels(name);
const folder = temporaryFolder();
const environment = { XDG_CACHE_HOME: temporaryFolder() };
const rawData = join(folder, 'rawdata');

async function run(...args: string[]) {
  const done = await cliWith(environment, folder, ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

before(async () => {
  await writeRawData(folder);
  writeFileSync(join(rawData, 'animal', 'note.jpg'), 'not a picture');
  await emoji('tiger').toFile(join(folder, 'tiger.png'));
  if (!skip) await cliWith(environment, folder, 'setup', '--backbone', name, '--from', wheelOf(name));
});

test('the pictures that resemble one most are found, a second time without computing them', {
  skip,
}, async () => {
  const { stdout, stderr } = await run('similar', 'tiger.png', '--count', '5', '--json');
  assert.match(stderr, /note\.jpg: text, not a picture/);
  const found = linesOf(stdout);
  assert.equal(found.length, 5);
  assert.ok(found.filter(({ file }) => file.startsWith('rawdata/animal/')).length >= 4, stdout);
  const similarities = found.map(({ similarity }) => similarity);
  assert.deepEqual(
    similarities,
    [...similarities].sort((a, b) => b - a),
  );
  const again = await run('similar', 'tiger.png', '--count', '5', '--json');
  assert.deepEqual([again.stdout, again.stderr], [stdout, '']);
});

test('a new, a changed and a removed picture are noticed', { skip }, async () => {
  copyFileSync(join(folder, 'tiger.png'), join(rawData, 'food', 'copy.png'));
  const [first] = linesOf((await run('similar', 'tiger.png', '--json')).stdout);
  assert.deepEqual(first, { file: 'rawdata/food/copy.png', similarity: 1 });
  await emoji('pizza', 70).toFile(join(rawData, 'food', 'copy.png'));
  const [second] = linesOf((await run('similar', 'tiger.png', '--json')).stdout);
  assert.notEqual(second.file, 'rawdata/food/copy.png');
  rmSync(join(rawData, 'food', 'copy.png'));
  const { stdout } = await run('similar', 'tiger.png', '--count', '100', '--json');
  assert.equal(linesOf(stdout).length, iconsOf.animal.length + iconsOf.food.length);
});

test('a picture of the folder is not similar to itself', { skip }, async () => {
  const { stdout } = await run('similar', 'rawdata/animal/cow.png', '--json');
  assert.ok(linesOf(stdout).every(({ file }) => file !== 'rawdata/animal/cow.png'));
});

test('what is no picture, and a folder without any, are one line', { skip }, async () => {
  mkdirSync(join(folder, 'empty'));
  for (const [args, message] of [
    [['similar', 'none.png'], /^bat-sup: none\.png cannot be read \(.*\); give a picture\.\n$/],
    [
      ['similar', 'tiger.png', '--in', 'empty'],
      /^bat-sup: empty holds no other picture that can be read\.\n$/,
    ],
    [['suggest', 'empty'], /^bat-sup: empty holds no picture that can be read\.$/m],
    [['suggest', 'rawdata'], /is the folder of the raw pictures/],
    [['suggest', 'empty', '--copy-to', 'rawdata/next'], /--copy-to rawdata\/next is inside the pictures/],
  ] as const) {
    const { code, stderr } = await cliWith(environment, folder, ...args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});

test('suggestions are pictures without a label that stand for others, copied to their likeliest class', {
  skip,
}, async () => {
  const inbox = join(folder, 'inbox');
  mkdirSync(inbox);
  const fresh = ['fox', 'rabbit', 'tiger', 'hamburger', 'strawberry', 'sushi'];
  for (const icon of fresh) {
    await emoji(icon).toFile(join(inbox, `${icon}.png`));
    copyFileSync(join(inbox, `${icon}.png`), join(inbox, `${icon}-copy.png`));
  }
  // One that has a label already teaches nothing.
  copyFileSync(join(rawData, 'animal', 'cow.png'), join(inbox, 'cow.png'));
  const { stdout, stderr } = await run('suggest', 'inbox', '--count', '6', '--copy-to', 'next', '--json');
  const found = linesOf(stdout);
  const icons = found.map(({ file }) => file.replace(/^inbox\/|(-copy)?\.png$/g, ''));
  assert.deepEqual(icons.sort(), fresh.sort());
  assert.ok(found.every((one) => ['animal', 'food'].includes(one.class) && one.probability > 0));
  assert.match(stderr, /6 pictures copied to next/);
  assert.equal(
    readdirSync(join(folder, 'next'), { recursive: true }).filter((one) => /png$/.test(String(one))).length,
    6,
  );
  const same = await run('suggest', 'inbox', '--count', '6', '--threads', '1', '--json');
  assert.equal(same.stdout, stdout);
  const without = await run('suggest', 'inbox', '--raw-data', 'nowhere', '--json');
  assert.ok(linesOf(without.stdout).every((one) => Object.keys(one).join() === 'file'));
  assert.ok(existsSync(join(inbox, 'fox.png')));
});

test('pictures that can show several classes are suggested with all of theirs, and copied to each', {
  skip,
}, async () => {
  const both = join(rawData, 'food', 'cow.png');
  copyFileSync(join(rawData, 'animal', 'cow.png'), both);
  const args = ['suggest', 'inbox', '--count', '4', '--multi-label', '--copy-to', 'several', '--json'];
  const found = linesOf((await run(...args)).stdout);
  rmSync(both);
  assert.equal(found.length, 4);
  const copies = found.flatMap(({ file, classes }) => {
    assert.ok(classes.every((one: { probability: number }) => one.probability >= 0.5));
    const names = classes.length > 0 ? classes.map((one: { class: string }) => one.class) : ['none'];
    return names.map((name: string) => join(name, basename(file)));
  });
  const there = readdirSync(join(folder, 'several'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(there.filter((one) => /png$/.test(one)).sort(), copies.sort());
  const { code, stderr } = await cliWith(environment, folder, 'suggest', 'inbox', '--labels', 'labels.csv');
  assert.deepEqual(
    [code, stderr],
    [2, 'bat-sup: labels are for pictures of several classes; add --multi-label.\n'],
  );
});

test('the picture itself is no answer, whatever links lead to it', { skip }, async () => {
  const [picture, link] = [join(rawData, 'food', 'tiger.png'), join(rawData, 'animal', 'link.png')];
  copyFileSync(join(folder, 'tiger.png'), picture);
  symlinkSync(picture, link);
  for (const asked of [picture, link]) {
    const [first] = linesOf((await run('similar', asked, '--json')).stdout);
    assert.ok(first.similarity < 0.99 && !/tiger|link/.test(first.file), JSON.stringify(first));
  }
  for (const file of [picture, link]) rmSync(file);
});

test('pictures of one size and time that have swapped their names are looked at again', {
  skip,
}, async () => {
  const [one, other] = [join(rawData, 'food', 'one.tiff'), join(rawData, 'food', 'other.tiff')];
  for (const [file, name] of [
    [one, 'tiger'],
    [other, 'pizza'],
  ] as const) {
    await emoji(name).tiff({ compression: 'none' }).toFile(file);
    utimesSync(file, 1_000_000, 1_000_000);
  }
  const nearest = async () => linesOf((await run('similar', 'tiger.png', '--json')).stdout)[0].file;
  assert.equal(await nearest(), 'rawdata/food/one.tiff');
  renameSync(one, `${one}.kept`);
  renameSync(other, one);
  renameSync(`${one}.kept`, other);
  assert.equal(await nearest(), 'rawdata/food/other.tiff');
  for (const file of [one, other]) rmSync(file);
});

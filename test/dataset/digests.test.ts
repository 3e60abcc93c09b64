import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { digestPictures } from '../../src/dataset/digests.ts';
import { type Dataset, nameOf, scanDataset } from '../../src/dataset/scan.ts';
import { writeFiles } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

function project(files: Record<string, string>) {
  const folder = temporaryFolder();
  writeFiles(folder, files);
  const [data, rawData] = [join(folder, 'data'), join(folder, 'rawdata')];
  const digestsOf = async (data: string, rawData: string) =>
    digestPictures(await scanDataset(data, rawData), { folder: data, workers: 0 });
  const digests = () => digestsOf(data, rawData);
  return { folder, data, rawData, digests, digestsOf };
}

const files = {
  'rawdata/bat/1.png': 'one',
  'rawdata/bat/deep/2.jpg': 'two',
  'rawdata/sup/3.gif': 'three',
  'data/bat/1.png.jpg': 'one, resized',
  'data/bat/1.png.aug-0001.jpg': 'one, turned',
  'data/bat/deep/2.jpg': 'two, resized',
  'data/sup/3.gif.jpg': 'three, resized',
  'data/sup/4.jpg': 'from elsewhere',
};

const digestOf = (text: string) =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
const digestsIn = ({ pictures }: Dataset) => pictures.map(({ digest }) => digest);

test('pictures are identified by their raw files, copies by their sources', async () => {
  const { data, rawData } = project(files);
  const { pictures } = await scanDataset(data, rawData);
  assert.deepEqual(pictures.map(nameOf), [
    join(data, 'bat', '1.png.aug-0001.jpg'),
    join(rawData, 'bat', '1.png'),
    join(rawData, 'bat', 'deep/2.jpg'),
    join(rawData, 'sup', '3.gif'),
    join(data, 'sup', '4.jpg'),
  ]);
  assert.deepEqual(
    pictures.map(({ copyOf }) => copyOf),
    [join(data, 'bat', '1.png.jpg'), undefined, undefined, undefined, undefined],
  );
});

test('a digest is of the raw file, whatever its name; without one, of the picture', async () => {
  const { folder, digests } = project(files);
  const expected = ['one', 'two', 'three', 'from elsewhere'].map(digestOf);
  assert.deepEqual(digestsIn(await digests()), [undefined, ...expected]);
  renameSync(join(folder, 'rawdata/sup/3.gif'), join(folder, 'rawdata/sup/x.gif'));
  renameSync(join(folder, 'data/sup/3.gif.jpg'), join(folder, 'data/sup/x.gif.jpg'));
  assert.deepEqual(new Set(digestsIn(await digests())), new Set([undefined, ...expected]));
});

test('a file is read once, and again if it changed', async () => {
  const { folder, data, digests } = project(files);
  await digests();
  const file = join(folder, 'rawdata/bat/1.png');
  const cache = join(data, '.cache', 'digests.jsonl');
  writeFileSync(cache, readFileSync(cache, 'utf8').replace(digestOf('one'), 'as cached'));
  assert.equal(digestsIn(await digests())[1], 'as cached');
  utimesSync(file, 1, 1);
  assert.equal(digestsIn(await digests())[1], digestOf('one'));
  writeFileSync(cache, 'torn');
  assert.equal(digestsIn(await digests())[1], digestOf('one'));
});

test('a file is recognised by any path to its folder', async () => {
  const { data, rawData, digests, digestsOf } = project(files);
  await digests();
  const cache = join(data, '.cache', 'digests.jsonl');
  writeFileSync(cache, readFileSync(cache, 'utf8').replace(digestOf('one'), 'as cached'));
  const fromHere = (folder: string) => relative(process.cwd(), folder);
  assert.equal(digestsIn(await digestsOf(fromHere(data), fromHere(rawData)))[1], 'as cached');
  assert.equal(digestsIn(await digests())[1], 'as cached');
});

test('if the digests cannot be stored, they are still computed', async () => {
  const { data, digests } = project(files);
  // Not even root can replace a folder by a file.
  mkdirSync(join(data, '.cache', 'digests.jsonl', 'in-the-way'), { recursive: true });
  assert.equal(digestsIn(await digests())[1], digestOf('one'));
});

test('a raw file that disappears meanwhile does not end it', async () => {
  const { folder, data, rawData } = project(files);
  const dataset = await scanDataset(data, rawData);
  rmSync(join(folder, 'rawdata/bat/1.png'));
  const digested = await digestPictures(dataset, { folder: data, workers: 0 });
  assert.equal(digestsIn(digested)[1], digestOf('one, resized'));
});

test('files of one size and time that have swapped their names are read again', async () => {
  const { data, rawData, digests } = project(files);
  const [one, other] = [join(rawData, 'bat', '1.png'), join(rawData, 'sup', '2.png')];
  writeFileSync(other, 'two');
  writeFileSync(join(data, 'sup', '2.png.jpg'), 'two, resized');
  for (const file of [one, other]) utimesSync(file, 1_000_000, 1_000_000);
  await digests();
  renameSync(one, `${one}.kept`);
  renameSync(other, one);
  renameSync(`${one}.kept`, other);
  const { pictures } = await digests();
  const digestFor = (file: string) => pictures.find((picture) => nameOf(picture) === file)?.digest;
  assert.deepEqual([digestFor(one), digestFor(other)], [digestOf('two'), digestOf('one')]);
});

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { type AugmentBatch, batches } from '../../src/dataset/batches.ts';
import { packPictures } from '../../src/dataset/pack.ts';
import { scanDataset } from '../../src/dataset/scan.ts';
import { UserError } from '../../src/errors.ts';
import { emoji } from '../helpers/emoji.ts';
import { writeFiles } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';

const size = { width: 8, height: 8, channels: 3 as const, fit: 'fill' as const };

/** Grey pictures whose value is their number. */
async function writeData(counts: Record<string, number>): Promise<string> {
  const folder = join(temporaryFolder(), 'data');
  let value = 0;
  for (const [name, count] of Object.entries(counts)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const background = { r: value, g: value, b: value };
      const picture = plain(background, 8);
      writeFileSync(join(folder, name, `${i}.png`), await picture.png().toBuffer());
      value += 10;
    }
  }
  return folder;
}

test('batches contain the requested pictures, in order, with their labels', async () => {
  const folder = await writeData({ bat: 3, sup: 4 });
  const dataset = await scanDataset(folder);
  assert.deepEqual(dataset.classes, ['bat', 'sup']);
  const pack = await packPictures(dataset, { folder, size, workers: 3 });
  const order = [6, 0, 3, 2, 5];
  const seen = [];
  for await (const { pixels, labels } of batches(pack, dataset.pictures, order, 2)) {
    for (const [i, label] of labels.entries()) {
      const values = new Set(pixels.subarray(i * 192, (i + 1) * 192));
      assert.equal(values.size, 1);
      seen.push([(values.values().next().value as number) / 10, label]);
    }
  }
  assert.deepEqual(
    seen,
    order.map((index) => [index, index < 3 ? 0 : 1]),
  );
});

test('augmentation of the next batch starts before this one is returned', async () => {
  const folder = await writeData({ bat: 3, sup: 4 });
  const dataset = await scanDataset(folder);
  const pack = await packPictures(dataset, { folder, size, workers: 3 });
  const order = [6, 0, 3, 2, 5];
  const begin: (() => void)[] = [];
  const begun = order.map((_, place) => new Promise<void>((resolve) => (begin[place] = resolve)));
  const vary: AugmentBatch = ({ pixels }, indexes) => {
    const place = order.indexOf(indexes[0] as number);
    begin[place]?.();
    return async () => {
      await begun[place + 1];
      pixels[0] = (pixels[0] as number) + 1;
    };
  };
  const seen = [];
  for await (const { pixels } of batches(pack, dataset.pictures, order, 1, vary)) seen.push(pixels[0]);
  assert.deepEqual(
    seen,
    order.map((index) => index * 10 + 1),
  );
});

test('pictures are decoded once, and again if one changed', async () => {
  const folder = await writeData({ bat: 1, sup: 1 });
  const pack = async () => packPictures(await scanDataset(folder), { folder, size, workers: 1 });
  const { file } = await pack();
  const before = readFileSync(file);
  const past = new Date(0);
  utimesSync(file, past, past);
  await pack();
  assert.equal(statSync(file).mtimeMs, 0);
  const white = plain('white', 8);
  writeFileSync(join(folder, 'bat', '0.png'), await white.png().toBuffer());
  await pack();
  assert.notDeepEqual(readFileSync(file), before);
});

test('pictures that another command has packed meanwhile are not used by mistake', async () => {
  const folder = await writeData({ bat: 2, sup: 2 });
  const dataset = await scanDataset(folder);
  const pack = await packPictures(dataset, { folder, size, workers: 1 });
  const epoch = batches(pack, dataset.pictures, [0, 1, 2, 3], 1);
  const { value } = await epoch.next();
  const larger = { ...size, width: size.width * 2 };
  const other = await packPictures(dataset, { folder, size: larger, workers: 1 });
  // The open file is unchanged.
  const rest = [];
  for await (const { pixels } of epoch) rest.push(pixels.length);
  assert.deepEqual(rest, Array(3).fill(value?.pixels.length));
  const again = batches(pack, dataset.pictures, [0], 1);
  await assert.rejects(again.next(), /pictures\.u8 was replaced by another command .* --resume\./);
  assert.equal(
    (await batches(other, dataset.pictures, [0], 1).next()).value?.pixels.length,
    other.pictureBytes,
  );
});

test('a reader that leaves early closes the file', async () => {
  const folder = await writeData({ bat: 2, sup: 2 });
  const dataset = await scanDataset(folder);
  const pack = await packPictures(dataset, { folder, size, workers: 1 });
  for (let i = 0; i < 50; i++) {
    for await (const { labels } of batches(pack, dataset.pictures, [0, 1, 2, 3], 1)) {
      assert.equal(labels.length, 1);
      break;
    }
  }
});

test('too few classes are an error', async () => {
  await assert.rejects(writeData({ bat: 1 }).then(scanDataset), (error) => {
    return error instanceof UserError && /only the class "bat"/.test(error.message);
  });
});

test('lookalikes are found across classes, before and after the pictures are decoded', async () => {
  const folder = join(temporaryFolder(), 'data');
  const pngOf = (background: string) => plain(background, 64).png().toBuffer();
  const bat = await emoji('bat', 200).toBuffer();
  writeFiles(folder, {
    'animals/0-bat.png': bat,
    'animals/1-bear.png': await emoji('bear').toBuffer(),
    'animals/2-white.png': await pngOf('white'),
    'food/0-bat.jpg': await sharp(bat).resize(90, 90).jpeg({ quality: 60 }).toBuffer(),
    'food/1-white.png': await pngOf('white'),
    'food/2-nearly-white.png': await pngOf('#fefefe'),
  });
  const dataset = await scanDataset(folder);
  const pack = (pictures = dataset.pictures) =>
    packPictures({ ...dataset, pictures }, { folder, size: { ...size, width: 50, height: 40 }, workers: 3 });
  const expected = new Int32Array([0, 1, 2, 0, 2, 5]);
  assert.deepEqual((await pack()).lookalikes, expected);
  assert.deepEqual((await pack()).lookalikes, expected);
  // The same files, one of which is now known to be a copy: it stays with its source and is not compared.
  const file = dataset.pictures[0]?.file as string;
  const copied = dataset.pictures.map((one, index) => (index === 3 ? { ...one, copyOf: file } : one));
  assert.deepEqual((await pack(copied)).lookalikes, new Int32Array([0, 1, 2, 3, 2, 5]));
});

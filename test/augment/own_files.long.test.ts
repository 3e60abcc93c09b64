import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { type AugmentOptions, augmentAll, cleanAugmented } from '../../src/augment/augment.ts';
import { makeCopies } from '../../src/augment/copies.ts';
import { checkAll } from '../../src/check/check.ts';
import { UsageError, UserError } from '../../src/errors.ts';
import { findGenerated } from '../../src/images/generated.ts';
import { readMark } from '../../src/images/mark.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';
import { smallDisk } from '../helpers/small_disk.ts';

async function paint(file: string, background: string): Promise<void> {
  mkdirSync(join(file, '..'), { recursive: true });
  const picture = plain(background, 40);
  const bytes = await (file.endsWith('.jpg') ? picture.jpeg() : picture.png()).toBuffer();
  writeFileSync(file, bytes);
}

/** Two red pictures and two blue ones. */
async function project(overrides: Partial<AugmentOptions> = {}): Promise<AugmentOptions> {
  const rawData = join(temporaryFolder(), 'rawdata');
  for (const name of ['0.png', '1.png']) {
    await paint(join(rawData, 'a', name), 'red');
    await paint(join(rawData, 'b', name), 'blue');
  }
  return { rawData, target: 4, operations: ['rotate'], seed: 1, workers: 2, ...overrides };
}

async function colourOf(file: string): Promise<number[]> {
  const { channels } = await sharp(file).stats();
  return channels.map(({ mean }) => Math.round(mean / 255));
}

const red = [1, 0, 0];
const green = [0, 1, 0];

test('pictures of the user’s own that are named as copies are: sources, never removed, never overwritten', async () => {
  const options = await project({ target: 7 });
  const own = ['trip.aug-2023.jpg', '0.png.aug-2023.jpg', '0.png.aug-0001.jpg'];
  const folder = join(options.rawData, 'a');
  for (const name of own) await paint(join(folder, name), 'lime');
  const before = own.map((name) => readFileSync(join(folder, name)));
  const report = await augmentAll(options);
  assert.deepEqual(report.classes[0], { name: 'a', sources: 5, generated: 2 });
  // Number 1 of 0.png is taken.
  const made = readdirSync(folder).filter((name) => !own.includes(name) && name.includes('.aug-'));
  assert.deepEqual(made.sort(), ['0.png.aug-0001.jpg.aug-0001.jpg', '0.png.aug-0002.jpg'].sort());
  assert.equal((await augmentAll(options)).made, 0);
  await augmentAll({ ...options, seed: 2 });
  await augmentAll({ ...options, target: 5 });
  await cleanAugmented(options.rawData);
  assert.deepEqual(
    own.map((name) => readFileSync(join(folder, name))),
    before,
  );
  assert.deepEqual(readdirSync(folder).sort(), ['0.png', '1.png', ...own].sort());
});

test('check counts as generated what augment made, and nothing else of its names', async () => {
  const options = await project();
  await paint(join(options.rawData, 'a', 'trip.aug-2023.jpg'), 'lime');
  await augmentAll(options);
  await paint(join(options.rawData, 'a', '0.png.aug-0007.jpg'), 'lime');
  const { classes } = await checkAll({ rawData: options.rawData, width: 40, height: 40, workers: 2 });
  assert.deepEqual(classes, [
    { name: 'a', pictures: 5, generated: 1 },
    { name: 'b', pictures: 4, generated: 2 },
  ]);
});

test('a copy is known by the file itself, wherever it is', async () => {
  const { rawData, ...options } = await project();
  await augmentAll({ rawData, ...options });
  const copy = join(rawData, 'a', '0.png.aug-0001.jpg');
  const sha256 = createHash('sha256')
    .update(readFileSync(join(rawData, 'a', '0.png')))
    .digest('hex');
  assert.deepEqual(await readMark(copy), [sha256]);
  // A class is renamed: its copies are copies still, and none is made of them.
  renameSync(join(rawData, 'a'), join(rawData, 'c'));
  const { classes, made, kept } = await augmentAll({ rawData, ...options });
  assert.deepEqual([classes[1], made, kept], [{ name: 'c', sources: 2, generated: 2 }, 0, 4]);
  // Where hidden files were not taken along, too.
  rmSync(join(rawData, '.augmented.json'));
  const paths = readdirSync(join(rawData, 'c')).map((name) => `c/${name}`);
  assert.deepEqual([...(await findGenerated(rawData, paths)).keys()].sort(), [
    'c/0.png.aug-0001.jpg',
    'c/1.png.aug-0001.jpg',
  ]);
});

test('copies made before there was a mark are made anew, and no year is taken for one', async () => {
  const options = await project();
  const names = ['0.png.aug-0001.jpg', '1.png.aug-0001.jpg', '0.png.aug-2023.jpg', 'trip.aug-0001.jpg'];
  for (const name of names) await paint(join(options.rawData, 'a', name), 'lime');
  writeFileSync(join(options.rawData, '.augmented.json'), '{"seed":1,"longestSide":512}');
  const paths = ['0.png', '1.png', ...names].map((name) => `a/${name}`);
  const believed = [...(await findGenerated(options.rawData, paths)).keys()];
  assert.deepEqual(believed, ['a/0.png.aug-0001.jpg', 'a/1.png.aug-0001.jpg']);
  const report = await augmentAll({ ...options, target: 6 });
  assert.deepEqual([report.classes[0]?.sources, report.removed], [4, 2]);
  assert.deepEqual(await colourOf(join(options.rawData, 'a', '0.png.aug-0001.jpg')), red);
  for (const name of names.slice(2))
    assert.deepEqual(await colourOf(join(options.rawData, 'a', name)), green);
});

for (const [what, replace] of [
  ['written over', async (file: string) => paint(file, 'lime')],
  [
    'another file of the same size and time, moved there',
    async (file: string) => {
      const { size, mtime } = statSync(file);
      await paint(`${file}.new`, 'lime');
      writeFileSync(
        `${file}.new`,
        Buffer.concat([readFileSync(`${file}.new`), Buffer.alloc(200)]).subarray(0, size),
      );
      utimesSync(`${file}.new`, mtime, mtime);
      renameSync(`${file}.new`, file);
    },
  ],
] as const) {
  test(`copies of a source that was replaced are made anew: ${what}`, async () => {
    const options = await project();
    await augmentAll(options);
    const other = join(options.rawData, 'a', '1.png.aug-0001.jpg');
    const before = statSync(other).mtimeMs;
    await replace(join(options.rawData, 'a', '0.png'));
    const { made, kept } = await augmentAll(options);
    assert.deepEqual([made, kept], [1, 3]);
    assert.deepEqual(await colourOf(join(options.rawData, 'a', '0.png.aug-0001.jpg')), green);
    assert.equal(statSync(other).mtimeMs, before);
    assert.equal((await augmentAll(options)).made, 0);
  });
}

test('sources that are only touched or copied keep their copies', async () => {
  const options = await project();
  await augmentAll(options);
  const file = join(options.rawData, 'a', '0.png');
  copyFileSync(file, `${file}.new`);
  renameSync(`${file}.new`, file);
  assert.equal((await augmentAll(options)).made, 0);
});

test('shards make their copies in any order, and none removes another’s', async () => {
  const options = await project();
  const part = (index: number) => augmentAll({ ...options, shard: { index, count: 2 } });
  const reports = [await part(1), await part(0)];
  assert.deepEqual(
    reports.map(({ made, removed }) => [made, removed]),
    [
      [2, 0],
      [2, 0],
    ],
  );
  const { made, kept } = await augmentAll(options);
  assert.deepEqual([made, kept], [0, 4], 'together they have made what one alone makes');
});

test('copies into which another picture is mixed are made anew where that is replaced', async () => {
  const options = await project({ operations: [{ operation: 'mixup', probability: 1 }] });
  await augmentAll(options);
  const bytes = () =>
    ['a/0', 'a/1', 'b/0', 'b/1'].map((name) =>
      readFileSync(join(options.rawData, `${name}.png.aug-0001.jpg`)),
    );
  const before = bytes();
  await paint(join(options.rawData, 'b', '0.png'), 'lime');
  const { made } = await augmentAll(options);
  const changed = bytes().filter((one, index) => !one.equals(before[index] as Buffer));
  assert.equal(made, changed.length);
  assert.ok(made >= 1);
});

/** What becomes of a picture that others are mixed with, once all have been read. */
const spoil: [what: string, spoil: (file: string) => void, why: RegExp][] = [
  ['removed', (file) => rmSync(file), /^ENOENT: .*b\/0\.png'$/],
  ['cut off', (file) => truncateSync(file, 60), /b\/0\.png, which is mixed in: damaged PNG$/],
];

for (const [what, change, why] of spoil) {
  test(`a picture to be mixed in that is ${what} meanwhile leaves out the copy and stops nothing`, async () => {
    const { rawData, seed } = await project();
    change(join(rawData, 'b', '0.png'));
    const operations = [{ operation: 'mixup', probability: 1 }] as const;
    const job = { rawData, seed, longestSide: 64, operations, sources: ['a/0.png', 'b/0.png'] };
    const { unreadable, unwritable } = await makeCopies(job, { source: 'a/0.png', copies: [1] });
    assert.equal(unwritable, undefined);
    assert.match(unreadable ?? '', why);
  });
}

test('masks of the user’s own are left, and a mask that is replaced has its copies made anew', async () => {
  const options = await project();
  const masks = join(options.rawData, '..', 'masks');
  for (const name of ['a/0.png', 'a/1.png', 'b/0.png', 'b/1.png']) await paint(join(masks, name), 'black');
  const own = join(masks, 'a', '0.png.aug-0001.png');
  await paint(own, 'lime');
  await augmentAll({ ...options, masks });
  assert.ok(existsSync(join(masks, 'a', '0.png.aug-0002.png')), 'its number is left out');
  await paint(join(masks, 'a', '1.png'), 'white');
  assert.equal((await augmentAll({ ...options, masks })).made, 1);
  assert.deepEqual(await colourOf(join(masks, 'a', '1.png.aug-0001.png')), [1, 1, 1]);
  // Without the masks the copies are others; what was made there goes.
  await augmentAll(options);
  assert.deepEqual(readdirSync(join(masks, 'a')).sort(), ['0.png', '0.png.aug-0001.png', '1.png']);
  assert.deepEqual(await colourOf(own), green);
  const among = { ...options, masks: join(options.rawData, 'masks') };
  await assert.rejects(
    augmentAll(among),
    (error) => error instanceof UsageError && /--masks/.test(error.message),
  );
});

/** A project with masks, augmented with both folders named from the working directory. @returns the folder of both. */
async function masked(): Promise<string> {
  const options = await project();
  const root = join(options.rawData, '..');
  const masks = join(root, 'masks');
  for (const name of ['a/0.png', 'a/1.png', 'b/0.png', 'b/1.png']) await paint(join(masks, name), 'black');
  await augmentAll({ ...options, rawData: relative('.', options.rawData), masks: relative('.', masks) });
  return root;
}

const masksIn = (root: string) => readdirSync(join(root, 'masks', 'a')).length;

test('masks are those of one folder, whatever folder augment runs in', async () => {
  const [first, other] = [await masked(), await masked()];
  const options = await project({ rawData: join(first, 'rawdata') });
  assert.equal((await augmentAll({ ...options, masks: join(first, 'masks') })).made, 0);
  // They move together.
  const moved = join(other, 'moved');
  renameSync(first, moved);
  const movedTo = { ...options, rawData: join(moved, 'rawdata') };
  assert.equal((await augmentAll({ ...movedTo, masks: join(moved, 'masks') })).made, 0);
  await augmentAll(movedTo);
  assert.deepEqual([masksIn(moved), masksIn(other)], [2, 4], 'only its own are removed');
});

test('a masks’ folder that an earlier version noted as it was typed is not guessed', async () => {
  const [first, other] = [await masked(), await masked()];
  const options = await project({ rawData: join(first, 'rawdata') });
  const file = join(first, 'rawdata', '.augmented.json');
  const { maskFolder, ...settings } = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal(maskFolder, join('..', 'masks'));
  writeFileSync(file, JSON.stringify({ ...settings, masks: relative('.', join(other, 'masks')) }));
  await augmentAll(options);
  assert.deepEqual([masksIn(first), masksIn(other)], [4, 4]);
});

test('a name too long for its copies is named, and the others make up for it; an empty class is named', async () => {
  const options = await project();
  const name = `${'n'.repeat(240)}.png`;
  await paint(join(options.rawData, 'a', name), 'red');
  mkdirSync(join(options.rawData, 'empty'));
  const { classes, unreadable, skipped } = await augmentAll({ ...options, target: 6 });
  assert.deepEqual(classes[0], { name: 'a', sources: 2, generated: 4 });
  const reason = 'its name is too long for those of its copies; shorten it';
  assert.deepEqual(unreadable, [{ file: join(options.rawData, 'a', name), reason }]);
  assert.deepEqual(skipped, [{ file: join(options.rawData, 'empty'), reason: 'it holds no pictures' }]);
});

test('a class that is a link is augmented where it leads', async () => {
  const options = await project();
  const disk = join(options.rawData, '..', 'disk');
  renameSync(join(options.rawData, 'a'), disk);
  symlinkSync('../disk', join(options.rawData, 'a'));
  assert.equal((await augmentAll(options)).made, 4);
  assert.ok(existsSync(join(disk, '0.png.aug-0001.jpg')));
});

test('a full disk is one line, whatever was under way, and the next run does the rest', async (t) => {
  const disk = smallDisk(t, 160);
  if (!disk) return;
  const options = await project({ target: 40, workers: 2 });
  cpSync(options.rawData, join(disk, 'rawdata'), { recursive: true });
  const full = { ...options, rawData: join(disk, 'rawdata') };
  await assert.rejects(augmentAll(full), (error) => {
    assert.ok(error instanceof UserError, String(error));
    return /^Cannot write .*\.aug-\d+\.jpg \(ENOSPC: .*\d+ pictures? made; free space/.test(error.message);
  });
  const names = readdirSync(join(disk, 'rawdata', 'a'));
  assert.ok(!names.some((name) => name.includes('.tmp-')), 'nothing half made is left');
  // Something else on the disk goes.
  for (const name of names.slice(-8)) rmSync(join(disk, 'rawdata', 'a', name));
  const small = await augmentAll({ ...full, target: 6 });
  assert.deepEqual(small.classes[0], { name: 'a', sources: 2, generated: 4 });
});

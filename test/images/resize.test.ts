import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  promises,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { augmentAll } from '../../src/augment/augment.ts';
import { scanDataset } from '../../src/dataset/scan.ts';
import { UsageError, UserError } from '../../src/errors.ts';
import { type ResizeOptions, resizeAll, surveyData } from '../../src/images/resize.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';

const isStale = async (options: ResizeOptions) => (await surveyData(options)).isStale;

async function write(file: string, background = 'red'): Promise<void> {
  mkdirSync(join(file, '..'), { recursive: true });
  const picture = plain(background, 30, 20);
  writeFileSync(file, await picture.png().toBuffer());
}

async function project(): Promise<{ root: string; options: ResizeOptions }> {
  const root = temporaryFolder();
  for (const file of ['bat/a.png', 'bat/b.jpg', 'sup/c.png']) await write(join(root, 'rawdata', file));
  const folders = { rawData: join(root, 'rawdata'), data: join(root, 'data') };
  return { root, options: { ...folders, width: 16, height: 12, channels: 3, fit: 'fill', workers: 2 } };
}

test('every picture gets one size and one format; a second run does nothing', async () => {
  const { root, options } = await project();
  assert.equal(await isStale(options), true);
  const first = await resizeAll(options);
  assert.deepEqual(
    { ...first },
    {
      classes: ['bat', 'sup'],
      made: 3,
      unchanged: 0,
      removed: 0,
      unreadable: [],
      skipped: [],
      strangers: [],
    },
  );
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.png.jpg', 'b.jpg']);
  const { width, height, format } = await sharp(join(root, 'data', 'bat', 'a.png.jpg')).metadata();
  assert.deepEqual({ width, height, format }, { width: 16, height: 12, format: 'jpeg' });

  const made = statSync(join(root, 'data', 'bat', 'b.jpg')).mtimeMs;
  assert.equal(await isStale(options), false);
  assert.equal((await resizeAll(options)).unchanged, 3);
  assert.equal(statSync(join(root, 'data', 'bat', 'b.jpg')).mtimeMs, made);
});

/** Two pictures swap their names, as one who puts labels right may have them. */
function swap(one: string, other: string): void {
  renameSync(one, `${one}.kept`);
  renameSync(other, one);
  renameSync(`${one}.kept`, other);
}

test('pictures of one size and time that have swapped their names are resized again', async () => {
  const { options } = await project();
  const [bat, sup] = ['bat/d.tiff', 'sup/d.tiff'].map((path) => join(options.rawData, path)) as [
    string,
    string,
  ];
  for (const [file, background] of [
    [bat, 'red'],
    [sup, 'blue'],
  ] as const) {
    writeFileSync(file, await plain(background, 30, 20).tiff({ compression: 'none' }).toBuffer());
    utimesSync(file, 1_000_000, 1_000_000);
  }
  assert.equal(statSync(bat).size, statSync(sup).size);
  await resizeAll(options);
  swap(bat, sup);
  assert.equal(await isStale(options), true);
  assert.equal((await resizeAll(options)).made, 2);
  const { dominant } = await sharp(join(options.data, 'bat', 'd.tiff.jpg')).stats();
  assert.ok(dominant.b > 200 && dominant.r < 50, JSON.stringify(dominant));
});

test('only changed pictures are resized again', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  await write(join(root, 'rawdata', 'bat', 'a.png'), 'blue');
  utimesSync(join(root, 'rawdata', 'bat', 'a.png'), new Date(), new Date(Date.now() + 5000));
  rmSync(join(root, 'data', 'sup', 'c.png.jpg'));
  const report = await resizeAll(options);
  assert.deepEqual([report.made, report.unchanged], [2, 1]);
  const { dominant } = await sharp(join(root, 'data', 'bat', 'a.png.jpg')).stats();
  assert.ok(dominant.b > 200 && dominant.r < 50);
});

test('another size resizes all pictures again', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  const larger = { ...options, width: 24 };
  assert.equal(await isStale(larger), true);
  assert.equal((await resizeAll(larger)).made, 3);
  assert.equal((await sharp(join(root, 'data', 'bat', 'b.jpg')).metadata()).width, 24);
});

test('a deleted source removes its copy and nothing else', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'joker', 'j.png'));
  await resizeAll(options);
  await write(join(root, 'data', 'bat', 'own.jpg'));
  rmSync(join(root, 'rawdata', 'bat', 'a.png'));
  rmSync(join(root, 'rawdata', 'joker'), { recursive: true });
  assert.equal((await resizeAll(options)).removed, 2);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['b.jpg', 'own.jpg']);
  assert.equal(existsSync(join(root, 'data', 'joker')), false);
});

/** Is told each path that a function of node:fs/promises is called with, before it does anything. */
function watch(t: TestContext, name: 'open' | 'opendir' | 'readdir', tell: (path: string) => void): void {
  const call = promises[name] as (path: string, ...rest: unknown[]) => Promise<unknown>;
  t.mock.method(promises, name, async (path: string, ...rest: unknown[]) => {
    tell(resolve(path));
    return call(path, ...rest);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

/** Has every reading of a folder fail; root may read what others may not, so no permission does. */
function forbid(t: TestContext, folder: string): void {
  watch(t, 'opendir', (path) => {
    if (path === folder) throw new Error(`EACCES: permission denied, opendir '${path}'`);
  });
}

/** Puts a link in the place of a folder, as if the folder were on a disk that is not there now. */
function unmount(folder: string, target: string): void {
  rmSync(folder, { recursive: true });
  symlinkSync(target, folder);
}

/** What takes pictures of rawdata/bird out of sight, though not for good. */
const outOfSight: [what: string, take: (bird: string, t: TestContext) => void][] = [
  ['a class that cannot be read', (bird, t) => forbid(t, bird)],
  ['a folder of a class that cannot be read', (bird, t) => forbid(t, join(bird, 'disk'))],
  ['a class that is a link to nothing', (bird) => unmount(bird, '/nowhere/bird')],
  ['a class that is a link to itself', (bird) => unmount(bird, 'bird')],
  ['a link to nothing in a class', (bird) => unmount(join(bird, 'disk'), '/nowhere/disk')],
];

for (const [what, take] of outOfSight) {
  test(`copies stay if their sources cannot be seen: ${what}`, async (t) => {
    const { root, options } = await project();
    const bird = join(root, 'rawdata', 'bird');
    for (const name of ['1.png', 'disk/2.png', 'disk/deep/3.png']) await write(join(bird, name));
    await augmentAll({ rawData: options.rawData, target: 5, operations: ['rotate'], seed: 1, workers: 1 });
    await resizeAll(options);
    const before = await scanDataset(options.data);
    take(bird, t);
    const { removed } = await resizeAll(options);
    assert.equal(removed, 0);
    assert.equal(await isStale(options), false);
    assert.deepEqual(await scanDataset(options.data), before, 'what augment made is still known to be');
  });
}

test('copies are removed if their sources are found elsewhere, through a link', async () => {
  const { root, options } = await project();
  const bird = join(root, 'rawdata', 'bird');
  for (const name of ['a/1.png', 'b/1.png']) await write(join(bird, name));
  await resizeAll(options);
  unmount(join(bird, 'b'), 'a');
  assert.equal((await resizeAll(options)).removed, 1);
  assert.deepEqual(readdirSync(join(root, 'data', 'bird')), ['a']);
});

test('unreadable pictures are reported each time, and read once they are repaired', async () => {
  const { root, options } = await project();
  const broken = join(root, 'rawdata', 'bat', 'broken.png');
  writeFileSync(broken, '<html></html>');
  for (let run = 0; run < 2; run++) {
    const { unreadable } = await resizeAll(options);
    assert.deepEqual(unreadable, [{ file: broken, reason: 'HTML, not a picture' }]);
  }
  await write(broken);
  assert.deepEqual((await resizeAll(options)).unreadable, []);
  assert.ok(existsSync(join(root, 'data', 'bat', 'broken.png.jpg')));
});

test('a picture that becomes unreadable loses its old copy', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  writeFileSync(join(root, 'rawdata', 'bat', 'a.png'), 'broken');
  const report = await resizeAll(options);
  assert.equal(report.unreadable.length, 1);
  assert.equal(existsSync(join(root, 'data', 'bat', 'a.png.jpg')), false);
});

test('two sources never share a copy', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'bat', 'a.jpg'));
  await write(join(root, 'rawdata', 'bat', 'a.png.jpg'));
  await write(join(root, 'rawdata', 'bat', 'deeper', 'a.png'));
  const { unreadable } = await resizeAll(options);
  assert.equal(unreadable.length, 1);
  assert.match(unreadable[0]?.reason ?? '', /would have the name of bat\/a\.png\.jpg; rename one of them/);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.jpg', 'a.png.jpg', 'b.jpg', 'deeper']);
});

test('a class without a readable picture is an error', async () => {
  const { root, options } = await project();
  mkdirSync(join(root, 'rawdata', 'html'));
  writeFileSync(join(root, 'rawdata', 'html', 'page.png'), '<html></html>');
  await assert.rejects(
    resizeAll(options),
    (error) => error instanceof UserError && /html holds no readable picture \(1 file\)/.test(error.message),
  );
});

test('an empty class is reported, and the others are resized', async () => {
  const { root, options } = await project();
  mkdirSync(join(root, 'rawdata', 'empty', 'deeper'), { recursive: true });
  const { classes, skipped } = await resizeAll(options);
  assert.deepEqual(classes, ['bat', 'sup']);
  assert.deepEqual(skipped, [{ file: join(root, 'rawdata', 'empty'), reason: 'it holds no pictures' }]);
});

for (const [what, change] of [
  ['renamed', (raw: string) => renameSync(join(raw, 'sup'), join(raw, 'soup'))],
  ['removed', (raw: string) => rmSync(join(raw, 'sup'), { recursive: true })],
  ['emptied', (raw: string) => rmSync(join(raw, 'sup', 'a'), { recursive: true })],
] as const) {
  test(`data follows if a class with subfolders is ${what}`, async () => {
    const { root, options } = await project();
    rmSync(join(root, 'rawdata', 'sup'), { recursive: true });
    for (const file of ['sup/a/b/d.png', 'sup/a/e.png', 'joker/j.png'])
      await write(join(root, 'rawdata', file));
    await resizeAll(options);
    change(join(root, 'rawdata'));
    assert.equal(await isStale(options), true);
    await resizeAll(options);
    assert.equal(existsSync(join(root, 'data', 'sup')), false);
    assert.equal(await isStale(options), false);
    const { classes } = await scanDataset(options.data);
    assert.deepEqual(classes, what === 'renamed' ? ['bat', 'joker', 'soup'] : ['bat', 'joker']);
  });
}

test('empty folders of an earlier version in data are removed, and their contents block nothing', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  mkdirSync(join(root, 'data', 'gone', 'deeper'), { recursive: true });
  mkdirSync(join(root, 'data', 'left'));
  writeFileSync(join(root, 'data', 'left', '.DS_Store'), '');
  assert.equal(await isStale(options), true);
  await resizeAll(options);
  assert.equal(existsSync(join(root, 'data', 'gone')), false);
  assert.equal(await isStale(options), false);
  const notices: string[] = [];
  const { classes } = await scanDataset(options.data, undefined, (text) => notices.push(text));
  assert.deepEqual(classes, ['bat', 'sup']);
  assert.deepEqual(notices, [`skipped ${join(root, 'data', 'left')}: it holds no pictures`]);
});

function linkTo(root: string, target: string): string {
  symlinkSync(join(root, target), join(root, 'link'));
  return join(root, 'link');
}

/** The class is a link to a disk, and data would be there. */
function linkedClass(root: string): string {
  renameSync(join(root, 'rawdata', 'sup'), join(root, 'disk'));
  symlinkSync('../disk', join(root, 'rawdata', 'sup'));
  return join(root, 'disk');
}

/** The same with a folder deeper in a class. */
function linkedDeeper(root: string): string {
  renameSync(join(root, 'rawdata', 'sup'), join(root, 'disk'));
  symlinkSync('../../disk', join(root, 'rawdata', 'bat', 'more'));
  return join(root, 'disk');
}

function linkedData(root: string): string {
  mkdirSync(join(root, 'data'));
  symlinkSync('../rawdata/bat', join(root, 'data', 'bat'));
  return join(root, 'data');
}

for (const [what, make, says] of [
  ['the raw folder', (root: string) => join(root, 'rawdata'), /is the folder of the raw pictures/],
  ['a folder in it', (root: string) => join(root, 'rawdata', 'data'), /is inside the raw pictures/],
  ['what is not there yet', (root: string) => join(root, 'x', '..', 'rawdata', 'a', 'b'), /is inside/],
  ['a folder that holds it', (root: string) => root, /contains the raw pictures/],
  ['a link to it', (root: string) => linkTo(root, 'rawdata'), /is the folder of/],
  ['below a link to a class', (root: string) => join(linkTo(root, 'rawdata/bat'), 'new'), /is inside/],
  ['what a class is a link to', linkedClass, /is the folder of/],
  ['what a link in a class leads to', linkedDeeper, /is the folder of/],
  ['a class that is a link into it', linkedData, /data\/bat is inside/],
] as const) {
  test(`data is never written to ${what}`, async () => {
    const { root, options } = await project();
    const wrong = { ...options, data: make(root) };
    const found = readdirSync(root, { recursive: true }).sort();
    const before = readFileSync(join(root, 'rawdata', 'bat', 'b.jpg'));
    const refused = (error: unknown) => error instanceof UsageError && says.test(error.message);
    await assert.rejects(surveyData(wrong), refused);
    await assert.rejects(resizeAll(wrong), refused);
    assert.deepEqual(readdirSync(root, { recursive: true }).sort(), found);
    assert.deepEqual(readFileSync(join(root, 'rawdata', 'bat', 'b.jpg')), before);
  });
}

test('rawdata is listed equally often for any number of classes in data', async (t) => {
  const { root, options } = await project();
  await resizeAll(options);
  let listed = 0;
  watch(t, 'readdir', (path) => {
    if (path === options.rawData) listed++;
  });
  const countOf = async () => {
    listed = 0;
    await surveyData(options);
    return listed;
  };
  const few = await countOf();
  for (let index = 0; index < 5; index++) await write(join(root, 'data', `class ${index}`, '1.jpg'));
  assert.ok(few > 0);
  assert.equal(await countOf(), few);
});

test('a file that resize did not make is never overwritten, and reported if it is trained on', async () => {
  const { root, options } = await project();
  const own = join(root, 'data', 'bat', 'a.png.jpg');
  await write(own);
  const before = readFileSync(own);
  const refused = (error: unknown) =>
    error instanceof UserError && error.message.startsWith(`${own} was not made by bat-sup`);
  await assert.rejects(surveyData(options), refused);
  await assert.rejects(resizeAll(options), refused);
  assert.deepEqual(readFileSync(own), before);
  assert.deepEqual(readdirSync(join(root, 'data')), ['bat']);

  renameSync(own, join(root, 'data', 'bat', 'own.jpg'));
  assert.deepEqual((await resizeAll(options)).strangers, ['bat/own.jpg']);
  assert.deepEqual(await surveyData(options), { isStale: false, skipped: [], strangers: ['bat/own.jpg'] });
});

test('a file in the place of a copy that cannot be made is left unchanged', async () => {
  const { root, options } = await project();
  writeFileSync(join(root, 'rawdata', 'bat', 'x.png'), 'broken');
  await resizeAll(options);
  const own = join(root, 'data', 'bat', 'x.png.jpg');
  await write(own);
  await write(join(root, 'rawdata', 'bat', 'x.png'));
  await assert.rejects(resizeAll(options), /x\.png\.jpg was not made by bat-sup/);
  rmSync(join(root, 'rawdata', 'bat', 'x.png'));
  await resizeAll(options);
  assert.ok(existsSync(own));
});

test('copies without a line in the ledger, left by a kill, are recognised', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  const ledger = join(root, 'data', '.resized.jsonl');
  const lines = readFileSync(ledger, 'utf8').split('\n');
  // What was told before the first copy was made.
  const announced = lines.filter((line) => line.includes(',-1,'));
  assert.equal(announced.length, 3);
  writeFileSync(ledger, `${[lines[0], ...announced].join('\n')}\n`);
  const { made, strangers } = await resizeAll(options);
  assert.deepEqual([made, strangers], [3, []]);
});

test('a name too long for its copy is reported, and the others are resized', async () => {
  const { root, options } = await project();
  const name = `${'n'.repeat(250)}.png`;
  await write(join(root, 'rawdata', 'bat', name));
  for (let run = 0; run < 2; run++) {
    const { classes, unreadable } = await resizeAll(options);
    assert.deepEqual(classes, ['bat', 'sup']);
    const reason = 'the name is too long for its copy; rename it';
    assert.deepEqual(unreadable, [{ file: join(root, 'rawdata', 'bat', name), reason }]);
  }
  rmSync(join(root, 'rawdata', 'bat', name));
  assert.deepEqual((await resizeAll(options)).unreadable, []);
});

test('a linked class is resized like any other, and a loop is reported', async () => {
  const { root, options } = await project();
  await write(join(root, 'disk', 'bird', '1.png'));
  symlinkSync('../disk/bird', join(root, 'rawdata', 'bird'));
  symlinkSync('..', join(root, 'rawdata', 'bat', 'up'));
  const { classes, made, skipped } = await resizeAll(options);
  assert.deepEqual([classes, made], [['bat', 'bird', 'sup'], 4]);
  const reason = 'a link to a folder that it lies in';
  assert.deepEqual(skipped, [{ file: join(root, 'rawdata', 'bat', 'up'), reason }]);
  assert.ok(existsSync(join(root, 'data', 'bird', '1.png.jpg')));
});

test('data records which pictures augment made, and a name alone does not decide', async () => {
  const { root, options } = await project();
  await augmentAll({ rawData: options.rawData, target: 4, operations: ['rotate'], seed: 1, workers: 1 });
  for (const name of ['trip.aug-2023.jpg', 'a.png.aug-2023.jpg', 'a.png.aug-0007.jpg'])
    await write(join(root, 'rawdata', 'bat', name));
  await resizeAll(options);
  const { pictures } = await scanDataset(options.data);
  const pathOf = (file: string) => relative(options.data, file);
  const made = pictures.flatMap(({ file, copyOf }) => (copyOf ? [[pathOf(file), pathOf(copyOf)]] : []));
  const expected = [
    ['bat/a.png.aug-0001.jpg', 'bat/a.png.jpg'],
    ['bat/b.jpg.aug-0001.jpg', 'bat/b.jpg'],
    ...[1, 2, 3].map((copy) => [`sup/c.png.aug-000${copy}.jpg`, 'sup/c.png.jpg']),
  ];
  assert.deepEqual(made, expected);
  // Its source goes, the copies stay: they are copies still.
  rmSync(join(root, 'rawdata', 'sup', 'c.png'));
  await resizeAll(options);
  const left = (await scanDataset(options.data)).pictures.filter(({ copyOf }) => copyOf !== undefined);
  assert.equal(left.length, 5);
});

test('the mark of a picture is read once, and again if the picture changed', async (t) => {
  const { root, options } = await project();
  const rawData = join(root, 'rawdata');
  await augmentAll({ rawData, target: 4, operations: ['rotate'], seed: 1, workers: 1 });
  await write(join(rawData, 'bat', 'a.png.aug-0007.jpg'));
  await resizeAll(options);
  const opened: string[] = [];
  watch(t, 'open', (path) => {
    if (path.startsWith(rawData)) opened.push(relative(rawData, path));
  });
  assert.equal(await isStale(options), false);
  assert.deepEqual(opened, ['bat/a.png.aug-0007.jpg'], 'only what the list does not name');
  // The user puts a picture in the place of a copy.
  await write(join(rawData, 'sup', 'c.png.aug-0001.jpg'));
  await resizeAll(options);
  const listed = JSON.parse(readFileSync(join(options.data, '.generated.json'), 'utf8'));
  assert.deepEqual(Object.keys(listed), [
    'bat/a.png.aug-0001.jpg',
    'bat/b.jpg.aug-0001.jpg',
    'sup/c.png.aug-0002.jpg',
    'sup/c.png.aug-0003.jpg',
  ]);
});

test('names alone no longer count once augment has recorded its settings', async () => {
  const { root, options } = await project();
  const rawData = join(root, 'rawdata');
  await write(join(rawData, 'bat', 'a.png.aug-0001.jpg'));
  await resizeAll(options);
  const list = () => JSON.parse(readFileSync(join(options.data, '.generated.json'), 'utf8'));
  assert.deepEqual(list(), { 'bat/a.png.aug-0001.jpg': 'bat/a.png' });
  await augmentAll({ rawData, target: 1, operations: ['rotate'], seed: 1, workers: 1 });
  assert.equal(await isStale(options), true);
  await resizeAll(options);
  assert.deepEqual(list(), {});
});

test('without rawdata, a data folder from elsewhere is used as it is', async () => {
  const { root, options } = await project();
  renameSync(join(root, 'rawdata'), join(root, 'data'));
  assert.equal(await isStale(options), false);
});

test('one worker and many write the same files', async () => {
  const [one, many] = [await project(), await project()];
  await resizeAll({ ...one.options, workers: 1 });
  await resizeAll({ ...many.options, workers: 8 });
  const bytes = (root: string) =>
    sharp(join(root, 'data', 'bat', 'a.png.jpg'))
      .raw()
      .toBuffer();
  assert.deepEqual(await bytes(one.root), await bytes(many.root));
});

test('copies in the older ledger are not made again', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  const ledger = join(root, 'data', '.resized.jsonl');
  const [settings, ...lines] = readFileSync(ledger, 'utf8').trimEnd().split('\n') as [string, ...string[]];
  const entries = lines.map((line) => {
    const [source, size, modified] = JSON.parse(line);
    return [
      source,
      { stamp: `${size}-${modified}`, copy: source.endsWith('.jpg') ? source : `${source}.jpg` },
    ];
  });
  rmSync(ledger);
  const former = join(root, 'data', '.resized.json');
  writeFileSync(former, JSON.stringify({ settings, entries: Object.fromEntries(entries) }));
  assert.equal(await isStale(options), false);
  const { made, unchanged } = await resizeAll(options);
  assert.deepEqual([made, unchanged], [0, 3]);
  assert.deepEqual([existsSync(former), existsSync(ledger)], [false, true]);
});

test('when stopped, it finishes the pictures in progress, and the next run does the others', async () => {
  const { root, options } = await project();
  const controller = new AbortController();
  const { signal } = controller;
  const onProgress = () => controller.abort();
  const { made, stopped } = await resizeAll({ ...options, workers: 1, signal, onProgress });
  assert.deepEqual([made, stopped], [1, true]);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.png.jpg']);
  // Stopped before it knows what is there, it leaves all as it is.
  assert.deepEqual((await resizeAll({ ...options, signal })).stopped, true);
  const next = await resizeAll(options);
  assert.deepEqual([next.made, next.unchanged, next.removed, next.stopped], [2, 1, 0, undefined]);
});

test('a link that leads nowhere is unreadable until it leads to a picture', async () => {
  const { root, options } = await project();
  const nowhere = join(root, 'rawdata', 'bat', 'nowhere.png');
  symlinkSync('../later.png', nowhere);
  const { made, unreadable } = await resizeAll(options);
  assert.deepEqual([made, unreadable.map(({ file }) => file)], [3, [nowhere]]);
  assert.equal(await isStale(options), false);
  await write(join(root, 'rawdata', 'later.png'));
  assert.equal((await resizeAll(options)).made, 1);
});

test('a copy whose name belongs to another source is removed', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'bat', 'a.png.jpg'));
  await resizeAll(options);
  rmSync(join(root, 'rawdata', 'bat', 'a.png'));
  assert.equal((await resizeAll(options)).removed, 1);
  assert.equal(existsSync(join(root, 'data', 'bat', 'a.png.jpg')), true);
  assert.equal(await isStale(options), false);
});

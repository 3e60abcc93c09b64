import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { glob } from 'glob';
import { findClasses, findFiles, findPictures, search, skippedOf } from '../../src/images/find.ts';
import { writeEmpty } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

interface Folder {
  [name: string]: 'file' | 'link' | Folder;
}

const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 4 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
    fc.constantFrom('a', 'a-b', 'a.jpg', 'a b', '.hidden', '[x]*', 'é', '\u2028', '\u{1f987}', '__proto__'),
  )
  .filter((text) => !/\p{Surrogate}/u.test(text) && !/[/\0]/.test(text) && !/^\.{1,2}$/.test(text));
const tree = fc.letrec<{ folder: Folder; entry: 'file' | 'link' | Folder }>((tie) => ({
  entry: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'tree' },
    fc.constantFrom('file' as const, 'link' as const),
    tie('folder'),
  ),
  folder: fc
    .array(fc.tuple(name, tie('entry')), { maxLength: 6 })
    .map((entries) => Object.assign(Object.create(null), Object.fromEntries(entries))),
})).folder;

function write(root: string, folder: Folder): void {
  mkdirSync(root, { recursive: true });
  for (const [name, entry] of Object.entries(folder)) {
    if (entry === 'file') writeFileSync(join(root, name), '');
    // To the folder that it is in, a loop.
    else if (entry === 'link') symlinkSync('.', join(root, name), 'dir');
    else write(join(root, name), entry);
  }
}

test('the files of any tree are the ones that glob lists, in code-unit order', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(tree, async (one) => {
      const root = mkdtempSync(join(folder, 'tree-'));
      write(root, one);
      const all = await glob('**/*', { cwd: root, nodir: true, posix: true });
      const expected = all.filter((path) => !lstatSync(join(root, path)).isSymbolicLink());
      const found = await search(root);
      assert.deepEqual(found.files, expected.sort());
      assert.equal(found.skipped.length, all.length - expected.length);
    }),
    { numRuns: 200 },
  );
});

test('a folder sorts between files, with more files than are read at once', async () => {
  const root = join(temporaryFolder(), 'rawdata');
  mkdirSync(join(root, 'bat', 'a5'), { recursive: true });
  const names = Array.from({ length: 2500 }, (_, index) => `a${index}.jpg`);
  for (const name of names) writeFileSync(join(root, 'bat', name), '');
  for (const name of ['x', '.y']) writeFileSync(join(root, 'bat', 'a5', name), '');
  const { classes } = await findPictures(root);
  assert.deepEqual(classes, [{ name: 'bat', pictures: [...names, 'a5/x'].sort() }]);
});

/** Files and links to folders below a folder of its own. */
function plant(root: string, files: string[], links: Record<string, string> = {}): void {
  writeEmpty(root, files);
  for (const [from, to] of Object.entries(links)) symlinkSync(to, join(root, from));
}

test('a link to a folder is followed, each folder once and in the same order', async () => {
  const root = temporaryFolder();
  plant(root, ['class/a/1', 'class/2', 'disk/x/3', 'disk/4', 'other/5'], {
    'class/b': '../disk',
    'class/again': 'a',
    'class/part': '../disk/x',
    'disk/x/on': '../../other',
  });
  assert.deepEqual(await search(join(root, 'class')), {
    files: ['2', 'a/1', 'b/4', 'b/x/3', 'b/x/on/5'],
    skipped: [
      { path: 'again', reason: 'a link to a folder whose pictures are already included' },
      { path: 'part', reason: 'a link to a folder whose pictures are already included' },
    ],
    linked: [join(root, 'disk'), join(root, 'other')],
  });
});

test('a link to a folder that contains it is reported and not followed, at any depth', async () => {
  const root = temporaryFolder();
  plant(root, ['raw/cat/1', 'raw/dog/2', 'disk/3'], {
    'raw/all': '.',
    'raw/cat/up': '..',
    'raw/bird': '../disk',
    'disk/back': '../raw/bird',
    'disk/root': '/',
  });
  const { classes, skipped, linked } = await findPictures(join(root, 'raw'));
  assert.deepEqual(classes, [
    { name: 'bird', pictures: ['3'] },
    { name: 'cat', pictures: ['1'] },
    { name: 'dog', pictures: ['2'] },
  ]);
  const reason = 'a link to a folder that it lies in';
  assert.deepEqual(
    skipped.map(({ path, reason }) => [path, reason]).sort(),
    ['all', 'bird/back', 'bird/root', 'cat/up'].map((path) => [path, reason]),
  );
  assert.deepEqual(linked, [join(root, 'disk')]);
});

test('a chain of links that doubles at each step is read once', async () => {
  const root = temporaryFolder();
  for (let depth = 0; depth < 40; depth++) {
    plant(root, [`d${depth}/file`], {
      [`d${depth}/a`]: `../d${depth + 1}`,
      [`d${depth}/b`]: `../d${depth + 1}`,
    });
  }
  assert.equal((await findFiles(join(root, 'd0'))).length, 40 + 2);
});

test('links that lead to no folder count as files, and a missing folder has no files', async () => {
  const root = temporaryFolder();
  plant(root, ['sub/a.jpg'], { file: 'sub/a.jpg', broken: 'nowhere', itself: 'itself' });
  assert.deepEqual(await findFiles(root), ['broken', 'file', 'itself', 'sub/a.jpg']);
  assert.deepEqual(await search(join(root, 'nowhere')), { files: [], skipped: [], linked: [] });
});

test('names that are not UTF-8 are reported, and the other files are found', {
  skip: process.platform !== 'linux',
}, async () => {
  const root = temporaryFolder();
  plant(root, [
    'raw/cat/good',
    'raw/cat/caf\ufffd',
    'raw/cat/bad',
    'raw/cat/folder/x',
    'raw/dog/y',
    'raw/dogs/z',
  ]);
  const latin1 = (path: string) => Buffer.from(join(root, path), 'latin1');
  for (const [from, to] of [
    ['raw/cat/bad', 'raw/cat/caf\xe9'],
    ['raw/cat/folder', 'raw/cat/d\xe9p\xf4t'],
    ['raw/dogs', 'raw/d\xf6gs'],
  ] as const)
    renameSync(latin1(from), latin1(to));
  const { classes, skipped } = await findPictures(join(root, 'raw'));
  assert.deepEqual(classes, [
    { name: 'cat', pictures: ['caf\ufffd', 'good'] },
    { name: 'dog', pictures: ['y'] },
  ]);
  assert.deepEqual(skipped.map(({ path }) => path).sort(), [
    'cat/caf\ufffd',
    'cat/d\ufffdp\ufffdt',
    'd\ufffdgs',
  ]);
  assert.ok(skipped.every(({ reason }) => reason === 'its name is not UTF-8; rename it'));
});

test('a class without pictures is reported once, an unreadable one with its reason', async (t) => {
  const root = temporaryFolder();
  plant(root, ['cat/1', 'shut/2', 'gone/.hidden'], { nowhere: 'x' });
  chmodSync(join(root, 'shut'), 0);
  t.after(() => chmodSync(join(root, 'shut'), 0o700));
  const isRoot = process.getuid?.() === 0;
  const skipped = skippedOf(await findPictures(root));
  assert.deepEqual(skipped, [
    { path: 'gone', reason: 'it holds no pictures' },
    { path: 'nowhere', reason: 'a broken link', isUnread: true },
    ...(isRoot ? [] : [{ path: 'shut', reason: 'EACCES: permission denied', isUnread: true }]),
  ]);
  assert.deepEqual(await findClasses(root), ['cat', 'gone', 'shut']);
});

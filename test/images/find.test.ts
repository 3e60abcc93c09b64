import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { glob } from 'glob';
import { findFiles, findPictures } from '../../src/images/find.ts';
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
    else if (entry === 'link') symlinkSync('.', join(root, name));
    else write(join(root, name), entry);
  }
}

test('the files of any tree are listed as glob lists them, in code-unit order', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(tree, async (one) => {
      const root = mkdtempSync(join(folder, 'tree-'));
      write(root, one);
      const expected = await glob('**/*', { cwd: root, nodir: true, posix: true });
      assert.deepEqual(await findFiles(root), expected.sort());
    }),
    { numRuns: 200 },
  );
});

test('more files than are read at once, and a folder between their names', async () => {
  const root = join(temporaryFolder(), 'rawdata');
  mkdirSync(join(root, 'bat', 'a5'), { recursive: true });
  const names = Array.from({ length: 2500 }, (_, index) => `a${index}.jpg`);
  for (const name of names) writeFileSync(join(root, 'bat', name), '');
  for (const name of ['x', '.y']) writeFileSync(join(root, 'bat', 'a5', name), '');
  const { classes } = await findPictures(root);
  assert.deepEqual(classes, [{ name: 'bat', pictures: [...names, 'a5/x'].sort() }]);
});

test('links count as files wherever they lead, and what is not there holds none', async () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub', 'a.jpg'), '');
  for (const [to, from] of [
    ['sub', 'folder'],
    ['sub/a.jpg', 'file'],
    ['nowhere', 'broken'],
    ['itself', 'itself'],
    ['..', 'sub/up'],
  ] as const)
    symlinkSync(to, join(root, from));
  assert.deepEqual(await findFiles(root), ['broken', 'file', 'folder', 'itself', 'sub/a.jpg', 'sub/up']);
  assert.deepEqual(await findFiles(join(root, 'nowhere')), []);
});

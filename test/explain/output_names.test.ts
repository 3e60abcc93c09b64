import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOutputNames } from '../../src/explain/output_names.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const suffix = '-gradcam.png';

async function namesFor(folder: string, pictures: string[]): Promise<string[]> {
  const names = await openOutputNames(folder, suffix);
  const given = [];
  for (const picture of pictures) given.push(await names.nameFor(picture));
  return given;
}

test('pictures with the same base name get different names, and keep them in later runs', async () => {
  const folder = temporaryFolder();
  const pictures = ['a/bat.png', 'b/bat.png', 'a/bat.jpg', 'a/BAT.png', 'sup.png'];
  const expected = ['bat', 'bat-2', 'bat-3', 'BAT-4', 'sup'];
  assert.deepEqual(await namesFor(folder, pictures), expected);
  assert.deepEqual(await namesFor(folder, [...pictures].reverse()), [...expected].reverse());
  assert.deepEqual(await namesFor(folder, ['./a/../a/bat.png', 'c/bat.png']), ['bat', 'bat-5']);
});

test('files that were there before are not replaced, even if the table is lost or damaged', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'Bat-gradcam.png'), 'somebody’s');
  assert.deepEqual(await namesFor(folder, ['bat.png']), ['bat-2']);
  for (const table of ['{', 'null', '3']) {
    writeFileSync(join(folder, '.sources.json'), table);
    assert.deepEqual(await namesFor(folder, ['sup.png']), ['sup']);
  }
});

test('every picture from stdin gets a new name', async () => {
  const folder = temporaryFolder();
  assert.deepEqual(await namesFor(folder, ['-', '-']), ['stdin', 'stdin-2']);
  assert.deepEqual(await namesFor(folder, ['-']), ['stdin-3']);
});

test('a long name is cut so that every file system accepts it', async () => {
  const folder = temporaryFolder();
  const long = '🦇'.repeat(80);
  const [first, second] = (await namesFor(folder, [`${long}1.png`, `${long}2.png`])) as [string, string];
  assert.notEqual(first, second);
  for (const name of [first, second]) writeFileSync(join(folder, `${name}${suffix}`), '');
});

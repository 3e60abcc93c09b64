import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findFiles } from '../../src/images/find.ts';
import { listFiles, pathsOf } from '../../src/similar/listing.ts';
import { changeTime } from '../../src/system/change_time.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const elsewhere = temporaryFolder();
mkdirSync(join(folder, 'ä'));
writeFileSync(join(folder, 'ä', 'one\n.jpg'), '1');
writeFileSync(join(elsewhere, 'three.jpg'), '333');
symlinkSync(join(elsewhere, 'three.jpg'), join(folder, 'link.jpg'));
symlinkSync(elsewhere, join(folder, 'ä', 'linked'));
symlinkSync('loop.jpg', join(folder, 'loop.jpg'));
symlinkSync('nowhere', join(folder, 'broken.jpg'));

test('a listing has the files that a search finds, with size and change time of what links lead to', async () => {
  const listing = await listFiles(folder);
  const paths = pathsOf(listing);
  assert.deepEqual(paths, ['broken.jpg', 'link.jpg', 'loop.jpg', 'ä/linked/three.jpg', 'ä/one\n.jpg']);
  assert.deepEqual(paths, await findFiles(folder));
  const stampOf = (path: string) => {
    const found = statSync(path);
    return [found.size, changeTime(found)];
  };
  const three = stampOf(join(elsewhere, 'three.jpg'));
  const one = stampOf(join(folder, 'ä', 'one\n.jpg'));
  assert.deepEqual([...listing.stamps], [[0, 0], three, [0, 0], three, one].flat());
});

test('a folder that does not exist is empty', async () => {
  const missing = await listFiles(join(folder, 'missing'));
  assert.deepEqual([pathsOf(missing), missing.stamps.length], [[], 0]);
});

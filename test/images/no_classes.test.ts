import assert from 'node:assert/strict';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { whyNoClasses } from '../../src/images/no_classes.ts';
import { writeEmpty } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

let folder: string;
const add = (...files: string[]) => {
  writeEmpty(folder, files);
};
beforeEach(() => {
  folder = temporaryFolder();
});

test('a missing folder: the answer lists what is there instead', async () => {
  add('cats/1.jpg', 'dogs/1.jpg', 'notes.txt', '.hidden/x');
  assert.equal(
    await whyNoClasses(join(folder, 'nosuch')),
    `There is no folder ${join(folder, 'nosuch')}; ${folder} holds cats, dogs.`,
  );
  assert.equal(
    await whyNoClasses(join(folder, 'no', 'such')),
    `There is no folder ${join(folder, 'no', 'such')}; ${folder} holds cats, dogs.`,
  );
  for (let index = 0; index < 6; index++) add(`more-${index}/1.jpg`);
  assert.match(
    await whyNoClasses(join(folder, 'x')),
    / holds cats, dogs, more-0, more-1, more-2 and 3 more\.$/,
  );
});

test('a file in place of the folder is called a file', async () => {
  add('cats.zip');
  assert.match(await whyNoClasses(join(folder, 'cats.zip')), /cats\.zip is a file; name the folder /);
});

test('a folder of pictures with others beside it is taken for one class', async () => {
  add('cats/1.jpg', 'cats/2.PNG');
  const cats = join(folder, 'cats');
  assert.match(
    await whyNoClasses(cats),
    /cats holds 2 files but no class folders; put the pictures of each /,
  );
  add('dogs/1.webp');
  assert.match(await whyNoClasses(cats), /of one class; did you mean its parent, .+\?$/);
});

test('folders of other things beside it are not classes', async () => {
  add('rawdata/1.jpg', 'src/main.ts', 'data/cats/1.jpg');
  assert.match(await whyNoClasses(join(folder, 'rawdata')), /put the pictures of each class into a folder/);
});

test('an empty folder gets instructions for the first steps', async () => {
  assert.match(
    await whyNoClasses(folder),
    /holds no class folders; put the pictures of each class into a folder of their own, /,
  );
});

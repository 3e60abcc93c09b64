import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPictures } from '../../src/images/find.ts';
import { writeEmpty } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

function folderOf(...files: string[]): string {
  const folder = temporaryFolder();
  writeEmpty(folder, files);
  return folder;
}

const splits: Record<string, { files: string[]; train: string; other?: string }> = {
  'train and val': { files: ['train/cat/1.jpg', 'val/cat/2.jpg'], train: 'train', other: 'val' },
  'Training, Testing and Validation': {
    files: ['Training/cat/1.jpg', 'Testing/cat/2.jpg', 'Validation/dog/3.jpg'],
    train: 'Training',
    other: 'Testing',
  },
  'TRAIN and valid': { files: ['TRAIN/cat/1.jpg', 'valid/cat/2.jpg'], train: 'TRAIN', other: 'valid' },
  'training_set and test_set': {
    files: ['training_set/cats/1.jpg', 'test_set/cats/2.jpg'],
    train: 'training_set',
    other: 'test_set',
  },
  'train alone': { files: ['train/cat/1.jpg', 'train/dog/1.jpg'], train: 'train' },
};

for (const [what, { files, train, other }] of Object.entries(splits)) {
  test(`${what} are not classes: the error says which folder to use`, async () => {
    const folder = folderOf(...files);
    await assert.rejects(findPictures(folder), ({ message }: Error) => {
      assert.ok(message.includes(`--raw-data ${join(folder, train)}`), message);
      const advice = other && `"bat-sup evaluate ${join(folder, other)}"`;
      if (advice) assert.ok(message.includes(advice), message);
      return !message.includes('\n');
    });
  });
}

const classes: Record<string, string[]> = {
  'train, bus and car': ['train/1/1.jpg', 'bus/1/1.jpg', 'car/1/2.jpg'],
  'train and test without folders in them': ['train/1.jpg', 'test/2.jpg'],
  'folders in one of them alone': ['train/cat/1.jpg', 'test/2.jpg'],
  'classes below which some are named so': ['cat/train/1.jpg', 'cat/val/2.jpg', 'dog/train/3.jpg'],
};

for (const [what, files] of Object.entries(classes)) {
  test(`${what} count as classes`, async () => {
    const { classes: found } = await findPictures(folderOf(...files));
    assert.deepEqual(
      found.map(({ name }) => name),
      [...new Set(files.map((file) => file.split('/')[0]))].sort(),
    );
  });
}

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TextDecoder } from 'node:util';
import sharp from 'sharp';
import { UserError } from '../../src/errors.ts';
import { projectorFolder, thumbnails, writeEmbedding } from '../../src/tensorboard/projector.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const colours = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
];

/** Three pictures of one colour each, 10 x 20. */
async function write(run: string, vectors: Float32Array): Promise<string> {
  const pixels = Buffer.concat(
    colours.map((colour) => Buffer.concat(Array.from({ length: 200 }, () => Buffer.from(colour)))),
  );
  await writeEmbedding(run, {
    name: 'relu4',
    vectors,
    dimensions: vectors.length / 3,
    columns: { picture: ['a\tb.jpg', 'c.jpg', 'd.jpg'], class: ['x', 'y', 'z'] },
    pictures: await thumbnails(pixels, 3, { width: 10, height: 20, channels: 3 }),
    channels: 3,
  });
  return join(run, projectorFolder);
}

test('the sprite contains the pictures in order, row by row', async () => {
  const folder = await write(temporaryFolder(), new Float32Array(6));
  const { data, info } = await sharp(join(folder, 'sprite.png')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [80, 80]);
  const middleOf = (column: number, row: number) => {
    const at = ((row * 40 + 20) * 80 + column * 40 + 20) * 3;
    return [...data.subarray(at, at + 3)];
  };
  assert.deepEqual([middleOf(0, 0), middleOf(1, 0), middleOf(0, 1)], colours);
});

test('the metadata have a heading and a line per picture', async () => {
  const folder = await write(temporaryFolder(), new Float32Array(6));
  const lines = readFileSync(join(folder, 'metadata.tsv'), 'utf8');
  assert.equal(lines, 'picture\tclass\na b.jpg\tx\nc.jpg\ty\nd.jpg\tz\n');
});

test('the bytes of vectors cannot be mistaken for text, even if all are zero', async () => {
  for (const vectors of [new Float32Array(6), Float32Array.of(1, 0, 0.25, 0, 3, -1)]) {
    const folder = await write(temporaryFolder(), vectors);
    const bytes = readFileSync(join(folder, 'tensors.bytes'));
    assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const read = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    assert.deepEqual(
      [...read].map((value) => value + 0),
      [...vectors],
    );
  }
});

test('unfinished files of a killed run are removed', async () => {
  const run = temporaryFolder();
  const folder = await write(run, new Float32Array(6));
  writeFileSync(join(folder, '.tensors.bytes.tmp-4711'), 'half');
  await write(run, new Float32Array(6));
  assert.deepEqual(readdirSync(folder).sort(), [
    'metadata.tsv',
    'projector_config.pbtxt',
    'sprite.png',
    'tensors.bytes',
  ]);
});

test('an error about an unwritable folder names it in one line', async () => {
  const run = temporaryFolder();
  writeFileSync(join(run, 'plugins'), 'a file in the way');
  await assert.rejects(write(run, new Float32Array(6)), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.ok(error.message.startsWith(`${join(run, projectorFolder)} cannot be written (`), error.message);
    return true;
  });
});

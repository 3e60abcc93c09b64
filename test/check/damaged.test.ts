import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CheckOptions, checkAll } from '../../src/check/check.ts';
import { movedByDefault } from '../../src/check/kinds.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Where the data of the last scan begin. */
function scanStart(jpeg: Buffer): number {
  const scan = jpeg.lastIndexOf(Buffer.from([0xff, 0xda]));
  return scan + 2 + jpeg.readUInt16BE(scan + 2);
}

const endOfImage = Buffer.from([0xff, 0xd9]);

/** What can befall a file, and whether libjpeg then guesses a part of the picture. */
const changes: Record<string, [change: (jpeg: Buffer) => Buffer, isDamaged: boolean]> = {
  whole: [(jpeg) => jpeg, false],
  'with a text after it': [(jpeg) => Buffer.concat([jpeg, Buffer.from('made by a camera')]), false],
  'with bytes before its end': [
    (jpeg) => Buffer.concat([jpeg.subarray(0, -2), Buffer.from('padding'), endOfImage]),
    false,
  ],
  'with bytes before a comment': [
    (jpeg) => {
      const comment = Buffer.from([1, 2, 3, 4, 5, 0xff, 0xfe, 0, 4, 72, 73]);
      return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
    },
    false,
  ],
  'with half of its last scan': [
    (jpeg) => {
      const start = scanStart(jpeg);
      return Buffer.concat([jpeg.subarray(0, start + ((jpeg.length - start) >> 1)), endOfImage]);
    },
    true,
  ],
  'with codes that there are not': [
    (jpeg) => {
      const copy = Buffer.from(jpeg);
      const middle = (scanStart(jpeg) + jpeg.length) >> 1;
      for (let at = middle; at < middle + 40; at += 2) copy.writeUInt16BE(0xff00, at);
      return copy;
    },
    true,
  ],
};

test('JPEGs with bad data are reported, although they can be read', async () => {
  const rawData = join(temporaryFolder(), 'rawdata');
  mkdirSync(join(rawData, 'c'), { recursive: true });
  const picture = emoji('bat', 200);
  const encodings: Record<string, Promise<Buffer>> = {
    plain: picture.clone().jpeg({ quality: 95 }).toBuffer(),
    turned: picture.clone().withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer(),
    'with a profile': picture.clone().withIccProfile('p3').jpeg({ quality: 95 }).toBuffer(),
    progressive: picture.clone().jpeg({ quality: 95, progressive: true }).toBuffer(),
  };
  const expected: string[] = [];
  for (const [encoding, jpeg] of Object.entries(encodings)) {
    for (const [what, [change, isDamaged]] of Object.entries(changes)) {
      const file = `c/${encoding} ${what}.jpg`;
      writeFileSync(join(rawData, file), change(await jpeg));
      if (isDamaged) expected.push(file);
    }
  }
  const options: CheckOptions = { rawData, width: 100, height: 100, workers: 2 };
  // The second check has it from the first.
  for (let round = 0; round < 2; round++) {
    const { findings } = await checkAll(options);
    assert.deepEqual(
      findings.filter(({ kind }) => kind === 'unreadable'),
      [],
    );
    const damaged = findings.filter(({ kind }) => kind === 'damaged');
    assert.deepEqual(damaged.flatMap(({ files }) => files).sort(), expected.sort());
  }
  assert.ok(!movedByDefault.includes('damaged'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { DisjointSets } from '../../src/images/disjoint_sets.ts';
import { fingerprint, fingerprintBytes } from '../../src/images/fingerprint.ts';
import { joinNearDuplicates } from '../../src/images/near_duplicates.ts';
import { emoji, iconsOf } from '../helpers/emoji.ts';

const objects = 'locomotive guitar bicycle umbrella rocket anchor scissors key'.split(' ');
const names = [...iconsOf.animal, ...iconsOf.food, ...objects];

const pixels = 200;

/** As training and check see a picture. */
async function fingerprintOf(picture: Buffer, side = 64, channels: 1 | 3 = 3): Promise<Uint8Array> {
  const size = { width: side, height: side, channels, fit: 'fill' as const };
  return fingerprint(await decodePicture(picture, size), size);
}

function looksTheSame(one: Uint8Array, other: Uint8Array): boolean {
  const sets = new DisjointSets(2);
  joinNearDuplicates(Buffer.concat([one, other]), sets);
  return sets.find(1) === 0;
}

const changes: Record<string, (picture: Sharp) => Sharp> = {
  'half the size': (picture) => picture.resize(pixels / 2, pixels / 2),
  'twice the size': (picture) => picture.resize(pixels * 2, pixels * 2),
  'a stripe of it': (picture) => picture.resize(pixels, pixels / 4, { fit: 'fill' }),
  'JPEG of quality 30': (picture) => picture.jpeg({ quality: 30 }),
  'WebP of quality 50': (picture) => picture.webp({ quality: 50 }),
  'cropped by 1 %': (picture) => picture.extract({ left: 2, top: 1, width: pixels - 4, height: pixels - 4 }),
  'cropped by 2 % on one side': (picture) =>
    picture.extract({ left: 4, top: 2, width: pixels - 4, height: pixels - 2 }),
  'brighter by 8 %': (picture) => picture.linear(1.08, 0),
  'darker by a fifth': (picture) => picture.linear(0.8, 0),
  'of less contrast': (picture) => picture.linear(0.7, 30),
  'of less colour': (picture) => picture.modulate({ saturation: 0.75 }),
  blurred: (picture) => picture.blur(2),
};

for (const [what, change] of Object.entries(changes)) {
  test(`a drawing is recognised ${what}`, async () => {
    for (const name of names) {
      const drawing = await emoji(name, pixels).toBuffer();
      const changed = await change(sharp(drawing)).toBuffer();
      assert.ok(looksTheSame(await fingerprintOf(drawing), await fingerprintOf(changed)), name);
    }
  });
}

test('a drawing is recognised at the sizes of check and of training', async () => {
  for (const name of names) {
    const drawing = await emoji(name, pixels).toBuffer();
    for (const side of [24, 100, 129])
      assert.ok(looksTheSame(await fingerprintOf(drawing), await fingerprintOf(drawing, side)), name);
  }
});

test('different drawings have different fingerprints, in colour and in grey', async () => {
  for (const channels of [3, 1] as const) {
    const drawings = await Promise.all(names.map((name) => emoji(name, pixels).toBuffer()));
    const records = await Promise.all(drawings.map((drawing) => fingerprintOf(drawing, 100, channels)));
    for (const [i, one] of records.entries())
      for (const [j, other] of records.entries())
        assert.equal(looksTheSame(one, other), i === j, `${names[i]} ${names[j]}`);
  }
});

test('the same shape in another colour is a different picture', async () => {
  const circle = (colour: string) =>
    sharp(Buffer.from(`<svg width="64" height="64"><circle cx="32" cy="32" r="28" fill="${colour}"/></svg>`))
      .flatten({ background: 'white' })
      .png()
      .toBuffer();
  const [red, blue, alsoRed] = await Promise.all(['#d33', '#33d', '#d43030'].map(circle));
  assert.ok(!looksTheSame(await fingerprintOf(red as Buffer), await fingerprintOf(blue as Buffer)));
  assert.ok(looksTheSame(await fingerprintOf(red as Buffer), await fingerprintOf(alsoRed as Buffer)));
});

const plain: Record<string, (x: number, y: number) => number> = {
  'a white picture': () => 255,
  'a black picture': () => 0,
  'an even slope': (x, y) => 2 * x + y,
  'noise on grey': (x, y) => 128 + ((x * 7919 + y * 104729) % 7),
};

for (const [what, value] of Object.entries(plain)) {
  test(`${what} has no fingerprint to compare`, () => {
    const grey = Uint8Array.from({ length: 64 * 64 }, (_, at) => value(at % 64, Math.floor(at / 64)));
    const record = fingerprint(grey, { width: 64, height: 64, channels: 1 });
    assert.deepEqual(record, new Uint8Array(fingerprintBytes));
    assert.ok(!looksTheSame(record, record));
  });
}

test('pictures of one pixel, or one pixel high, work', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 300],
    [300, 1],
    [7, 9],
  ] as const) {
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7919) % 256);
    assert.equal(fingerprint(pixels, { width, height, channels: 3 }).length, fingerprintBytes);
  }
});

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { readMask, writeMask } from '../../src/augment/masks.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** What a PNG's pixels are (ISO/IEC 15948, 11.2.2). */
const types = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 };

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), 8 + data.length);
  return bytes;
}

/** @param rows bytes of each row. @param chunks between IHDR and IDAT. */
function png(type: keyof typeof types, bits: number, width: number, rows: number[][], ...chunks: Buffer[]) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([bits, types[type]], 8);
  const data = deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row])));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...chunks,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const fixed = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Math.round(value * 65536));
  return bytes;
};
const d50 = Buffer.concat([0.9642, 1, 0.8249].map(fixed));

/** A colour profile of version 2 (ICC.1:2001-04): grey, or RGB with Adobe's primaries; gamma 1.8. */
function profile(space: 'GRAY' | 'RGB '): Buffer {
  const curve = Buffer.from([...Buffer.from('curv\0\0\0\0\0\0\0\x01', 'latin1'), 1, 0xcd, 0, 0]);
  const xyz = (...values: number[]) => Buffer.concat([Buffer.from('XYZ \0\0\0\0'), ...values.map(fixed)]);
  const text = Buffer.from('text\0\0\0\0none\0\0\0\0');
  const described = Buffer.concat([Buffer.from('desc\0\0\0\0\0\0\0\x05test\0', 'latin1'), Buffer.alloc(79)]);
  const tags: [string, Buffer][] = [
    ['desc', described],
    ['cprt', text],
    ['wtpt', Buffer.concat([Buffer.from('XYZ \0\0\0\0'), d50])],
  ];
  if (space === 'GRAY') tags.push(['kTRC', curve]);
  else
    tags.push(
      ['rXYZ', xyz(0.6097, 0.3111, 0.0195)],
      ['gXYZ', xyz(0.2053, 0.6257, 0.0609)],
      ['bXYZ', xyz(0.1492, 0.0632, 0.7446)],
      ['rTRC', curve],
      ['gTRC', curve],
      ['bTRC', curve],
    );
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let at = 128 + table.length;
  for (const [index, [name, data]] of tags.entries()) {
    table.write(name, 4 + 12 * index, 'latin1');
    table.writeUInt32BE(at, 8 + 12 * index);
    table.writeUInt32BE(data.length, 12 + 12 * index);
    at += data.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.set([2, 0x40], 8);
  header.write(`mntr${space}XYZ `, 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  header.set(d50, 68);
  return Buffer.concat([header, table, ...tags.map(([, data]) => data)]);
}

const withProfile = (space: 'GRAY' | 'RGB ') =>
  chunk('iCCP', Buffer.concat([Buffer.from('test\0\0', 'latin1'), deflateSync(profile(space))]));

/** A file's own values: its IDAT's, whose rows are not filtered. */
async function throughWriting(bytes: Buffer) {
  const folder = temporaryFolder();
  const [file, copy] = [join(folder, 'in.png'), join(folder, 'out.png')];
  writeFileSync(file, bytes);
  const mask = await readMask(file);
  await writeMask(mask, copy, []);
  return { mask, again: await readMask(copy), copy };
}

const values = [0, 1, 2, 7, 200, 255];

test('the profiles of these tests are ones that change values', async () => {
  for (const [space, type, channels] of [
    ['GRAY', 'grey', 1],
    ['RGB ', 'rgb', 3],
  ] as const) {
    const bytes = png(
      type,
      8,
      6,
      [values.flatMap((value) => Array(channels).fill(value))],
      withProfile(space),
    );
    const changed = await sharp(bytes)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    assert.notEqual(changed[4 * channels], 200);
  }
});

const wide = values.flatMap((value) => [value, 255 - value]);
const layouts: [type: 'grey' | 'greyAlpha' | 'rgb' | 'rgba', channels: number][] = [
  ['grey', 1],
  ['greyAlpha', 2],
  ['rgb', 3],
  ['rgba', 4],
];
for (const [type, channels] of layouts) {
  for (const bits of [8, 16]) {
    test(`a mask of ${channels} channels of ${bits} bits keeps its values, with a profile or without`, async () => {
      const space = channels < 3 ? 'GRAY' : 'RGB ';
      const samples =
        bits === 8 ? values.map((value) => [value]) : values.map((_, i) => wide.slice(2 * i, 2 * i + 2));
      // The second channel backwards, so that alpha is not all of one value.
      const pixel = (i: number) =>
        Array.from({ length: channels }, (_, channel) => samples[channel % 2 ? 5 - i : i] as number[]).flat();
      const row = values.flatMap((_, i) => pixel(i));
      for (const chunks of [[], [withProfile(space)]]) {
        const { mask, again } = await throughWriting(png(type, bits, 6, [row], ...chunks));
        assert.deepEqual([mask.channels, mask.depth], [channels, bits === 8 ? 'uchar' : 'ushort']);
        const expected = Buffer.from(row);
        // PNG has the high byte first, memory the low one.
        if (bits === 16) expected.swap16();
        assert.deepEqual(Buffer.from(mask.data), expected);
        assert.deepEqual(again, mask);
      }
    });
  }
}

test('a PNG’s palette stays with its indices, whatever the bits of one', async () => {
  for (const bits of [1, 2, 4, 8]) {
    const count = Math.min(2 ** bits, 21);
    // No two indices that are neighbours by colour, two of the same colour, one of them transparent.
    const palette = chunk(
      'PLTE',
      Buffer.from(
        Array.from({ length: count }, (_, i) =>
          i === 1 ? [0, 0, 0] : [(i * 97) % 256, i, 255 * (i % 2)],
        ).flat(),
      ),
    );
    const transparent = chunk('tRNS', Buffer.from([255, 0]));
    const background = chunk('bKGD', Buffer.from([0]));
    const indices = Array.from({ length: 16 }, (_, x) => (x * 5) % count);
    const row: number[] = Array(2 * bits).fill(0);
    for (const [x, index] of indices.entries()) {
      const bit = x * bits;
      (row[bit >> 3] as number) |= index << (8 - bits - (bit & 7));
    }
    const bytes = png('palette', bits, 16, [row, row], withProfile('RGB '), palette, transparent, background);
    const { mask, again, copy } = await throughWriting(bytes);
    assert.deepEqual([...mask.data], [...indices, ...indices], `${bits} bits`);
    assert.deepEqual(again, mask);
    const written = readFileSync(copy);
    assert.deepEqual([...written.subarray(24, 26)], [8, types.palette]);
    assert.ok(written.includes(palette) && written.includes(transparent));
    // Other programs see the same colours.
    const colours = async (file: Buffer) => sharp(file).ensureAlpha().raw().toBuffer();
    const plain = png('palette', bits, 16, [row, row], palette, transparent);
    assert.deepEqual(await colours(written), await colours(plain));
  }
});

test('a mask of more than 16 bits is refused rather than cut', async () => {
  // A TIFF of 2 x 1 samples of 32 bits (TIFF 6.0): its directory's entries are tag, type, count, value.
  const entries = [
    [256, 4, 1, 2],
    [257, 4, 1, 1],
    [258, 4, 1, 32],
    [259, 4, 1, 1],
    [262, 4, 1, 1],
    [273, 4, 1, 8],
    [278, 4, 1, 1],
    [279, 4, 1, 8],
  ];
  const tiff = Buffer.alloc(16 + 2 + 12 * entries.length + 4);
  tiff.write('II*\0', 'latin1');
  tiff.writeUInt32LE(16, 4);
  tiff.writeUInt32LE(70_000, 8);
  tiff.writeUInt16LE(entries.length, 16);
  for (const [index, [tag, type, count, value]] of (
    entries as [number, number, number, number][]
  ).entries()) {
    const at = 18 + 12 * index;
    tiff.writeUInt16LE(tag, at);
    tiff.writeUInt16LE(type, at + 2);
    tiff.writeUInt32LE(count, at + 4);
    tiff.writeUInt32LE(value, at + 8);
  }
  const file = join(temporaryFolder(), 'mask.tif');
  writeFileSync(file, tiff);
  await assert.rejects(readMask(file), /^Error: its values have the type uint; save it with 8 or 16 bits$/);
});

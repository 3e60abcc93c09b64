import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { decodeBmp, readBmpSize } from '../../src/images/bmp.ts';

interface Variant {
  header?: number;
  width: number;
  /** Negative: rows from the top down. */
  height: number;
  bits: number;
  compression?: number;
  /** RGB of each index. */
  palette?: number[][];
  masks?: number[];
  gap?: number;
  body: number[];
}

/** A BMP by the layout of wingdi.h. */
function bmp({
  header = 40,
  width,
  height,
  bits,
  compression = 0,
  palette = [],
  masks,
  gap = 0,
  body,
}: Variant) {
  const head = Buffer.alloc(Math.max(14 + header, masks ? 54 + 4 * masks.length : 0));
  head.write('BM', 'latin1');
  head.writeUInt32LE(header, 14);
  if (header === 12) {
    head.writeUInt16LE(width, 18);
    head.writeUInt16LE(height, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt16LE(bits, 24);
  } else {
    head.writeInt32LE(width, 18);
    head.writeInt32LE(height, 22);
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(bits, 28);
  }
  if (header >= 40) {
    head.writeUInt32LE(compression, 30);
    head.writeUInt32LE(palette.length, 46);
  }
  for (const [index, mask] of (masks ?? []).entries()) head.writeUInt32LE(mask >>> 0, 54 + 4 * index);
  const colours = palette.flatMap(([r = 0, g = 0, b = 0]) => (header === 12 ? [b, g, r] : [b, g, r, 99]));
  const bytes = Buffer.concat([head, Buffer.from(colours), Buffer.alloc(gap, 0xee), Buffer.from(body)]);
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(bytes.length - body.length, 10);
  return bytes;
}

const headers = [12, 16, 40, 52, 56, 64, 108, 124];
const [red, green, blue, yellow] = [
  [220, 30, 20],
  [10, 200, 40],
  [40, 60, 230],
  [250, 240, 0],
];
const palette = [red, green, blue, yellow] as number[][];

/** Rows of indices as the file has them: from the bottom up, padded to four bytes. */
function packed(rows: number[][], bits: number): number[] {
  return [...rows].reverse().flatMap((row) => {
    const text = row.map((index) => index.toString(2).padStart(bits, '0')).join('');
    const padded = text.padEnd(Math.ceil(text.length / 32) * 32, '0');
    return (padded.match(/.{8}/g) as string[]).map((byte) => Number.parseInt(byte, 2));
  });
}

const pixelsOf = (rows: number[][]) => rows.flat().flatMap((index) => palette[index] as number[]);

test('pictures of 1, 2, 4 and 8 bits are read with any header, width and gap', () => {
  const next = seedrandom('1');
  for (const header of headers)
    for (const bits of [1, 2, 4, 8])
      for (const width of [1, 3, 8, 9, 33]) {
        const row = () => Array.from({ length: width }, () => Math.floor(next() * Math.min(4, 2 ** bits)));
        const rows = [row(), row(), row()];
        // The header of 16 bytes cannot say that there are fewer colours than there could be.
        const colours = header < 40 ? [...palette, ...Array(256).fill([0, 0, 0])] : palette;
        const used = colours.slice(0, header < 40 ? 2 ** bits : Math.min(4, 2 ** bits));
        const bytes = bmp({
          header,
          width,
          height: 3,
          bits,
          palette: used,
          gap: 6,
          body: packed(rows, bits),
        });
        const { data, ...shape } = decodeBmp(bytes);
        assert.deepEqual(shape, { width, height: 3, channels: 3 });
        assert.deepEqual([...data], pixelsOf(rows), `header ${header}, ${bits} bits, width ${width}`);
      }
});

test('pictures of 24 and 32 bits are BGR; without bit fields the fourth byte is ignored', () => {
  for (const header of headers) {
    const of24 = { header, width: 1, height: 2, bits: 24, body: [1, 2, 3, 0, 4, 5, 6, 0] };
    assert.deepEqual([...decodeBmp(bmp(of24)).data], [6, 5, 4, 3, 2, 1]);
    const of32 = { header, width: 1, height: 2, bits: 32, body: [1, 2, 3, 7, 4, 5, 6, 8] };
    assert.deepEqual([...decodeBmp(bmp(of32)).data], [6, 5, 4, 3, 2, 1]);
    if (header > 12) assert.deepEqual([...decodeBmp(bmp({ ...of32, height: -2 })).data], [3, 2, 1, 6, 5, 4]);
  }
});

test('16 bits are 5 per channel, or as the bit fields say; all bits of a field make 255', () => {
  const two = { width: 2, height: 1, bits: 16 };
  // Red 31, green 16 and blue 0; then blue alone.
  const of15 = bmp({ ...two, body: [0x00, 0x7e, 0x1f, 0x00] });
  assert.deepEqual([...decodeBmp(of15).data], [255, 131, 0, 0, 0, 255]);
  const masks = [0xf800, 0x7e0, 0x1f];
  const of16 = bmp({ ...two, compression: 3, masks, body: [0x00, 0xfc, 0x1f, 0x00] });
  assert.deepEqual([...decodeBmp(of16).data], [255, 129, 0, 0, 0, 255]);
});

test('alpha is used if it has a mask, or if it is not 0 everywhere', () => {
  const fields = { width: 2, height: 1, bits: 32, compression: 3 };
  const masks = [0xff, 0xff00, 0xff0000, 0xff000000];
  const seen = bmp({ ...fields, header: 56, masks, body: [1, 2, 3, 200, 4, 5, 6, 0] });
  assert.deepEqual([...decodeBmp(seen).data], [1, 2, 3, 200, 4, 5, 6, 0]);
  const unwritten = bmp({ ...fields, header: 56, masks, body: [1, 2, 3, 0, 4, 5, 6, 0] });
  assert.deepEqual([...decodeBmp(unwritten).data], [1, 2, 3, 255, 4, 5, 6, 255]);
  const without = bmp({ ...fields, masks: masks.slice(0, 3), body: [1, 2, 3, 200, 4, 5, 6, 0] });
  assert.deepEqual([...decodeBmp(without).data], [1, 2, 3, 4, 5, 6]);
  const none = bmp({ ...fields, masks: [0, 0, 0], body: [1, 2, 3, 200, 4, 5, 6, 7] });
  assert.deepEqual([...decodeBmp(none).data], [3, 2, 1, 200, 6, 5, 4, 7]);
});

const runLengths: [what: string, compression: 1 | 2, body: number[], rows: number[][]][] = [
  [
    'runs',
    1,
    [3, 1, 2, 2, 0, 0, 5, 3, 0, 1],
    [
      [3, 3, 3, 3, 3],
      [1, 1, 1, 2, 2],
    ],
  ],
  [
    'an absolute run of an odd length, padded',
    1,
    [0, 3, 1, 2, 3, 99, 2, 0, 0, 0, 5, 1],
    [
      [1, 1, 1, 1, 1],
      [1, 2, 3, 0, 0],
    ],
  ],
  [
    'a row that ends early',
    1,
    [2, 1, 0, 0, 5, 2, 0, 1],
    [
      [2, 2, 2, 2, 2],
      [1, 1, 0, 0, 0],
    ],
  ],
  [
    'a delta within the row, and one upwards',
    1,
    [1, 1, 0, 2, 2, 0, 1, 2, 0, 2, 0, 1, 1, 3, 0, 1],
    [
      [0, 0, 0, 0, 3],
      [1, 0, 0, 2, 0],
    ],
  ],
  [
    'a row without pixels',
    1,
    [0, 0, 5, 2, 0, 1],
    [
      [2, 2, 2, 2, 2],
      [0, 0, 0, 0, 0],
    ],
  ],
  [
    'rows that are missing',
    1,
    [5, 2, 0, 0, 0, 1],
    [
      [0, 0, 0, 0, 0],
      [2, 2, 2, 2, 2],
    ],
  ],
  [
    'a run beyond the row',
    1,
    [9, 2, 0, 0, 9, 3],
    [
      [3, 3, 3, 3, 3],
      [2, 2, 2, 2, 2],
    ],
  ],
  [
    'runs of two indices',
    2,
    [5, 0x12, 0, 0, 4, 0x30, 1, 0x10],
    [
      [3, 0, 3, 0, 1],
      [1, 2, 1, 2, 1],
    ],
  ],
  [
    'absolute nibbles, padded',
    2,
    [0, 5, 0x12, 0x30, 0x10, 99, 0, 0, 0, 3, 0x32, 0x10, 2, 0x11],
    [
      [3, 2, 1, 1, 1],
      [1, 2, 3, 0, 1],
    ],
  ],
];
for (const [what, compression, body, rows] of runLengths) {
  test(`run lengths of ${compression === 1 ? 8 : 4} bits: ${what}`, () => {
    const variant = { width: 5, height: 2, bits: compression === 1 ? 8 : 4, compression, palette, body };
    assert.deepEqual([...decodeBmp(bmp(variant)).data], pixelsOf(rows));
    const topDown = decodeBmp(bmp({ ...variant, height: -2 }));
    assert.deepEqual([...topDown.data], pixelsOf([...rows].reverse()));
  });
}

test('cut off or unsupported pictures are errors that say so', () => {
  const whole = bmp({ width: 3, height: 2, bits: 24, body: Array(24).fill(7) });
  // The last row's padding may be missing.
  assert.equal(decodeBmp(whole.subarray(0, whole.length - 3)).data.length, 18);
  assert.throws(() => decodeBmp(whole.subarray(0, whole.length - 4)), /^Error: the file ends too early$/);
  assert.throws(() => decodeBmp(whole.subarray(0, 50)), /its header is incomplete/);
  const rle = { width: 5, height: 2, bits: 8, compression: 1, palette };
  assert.throws(() => decodeBmp(bmp({ ...rle, body: [5, 1, 0, 0] })), /the file ends too early/);
  assert.throws(() => decodeBmp(bmp({ ...rle, body: [0, 4, 1] })), /the file ends too early/);
  assert.throws(() => decodeBmp(bmp({ ...rle, width: 0, body: [] })), /it has no pixels/);
  const jpeg = { width: 1, height: 1, bits: 24, compression: 4, body: [] };
  assert.throws(
    () => decodeBmp(bmp(jpeg)),
    /BMP picture with compression 4 of 24 bits, which is not supported/,
  );
});

test('changed bytes give pixels of the header’s size or an error, in time proportional to the pixels', () => {
  const next = seedrandom('5');
  const pictures = [
    bmp({ width: 9, height: 6, bits: 24, body: Array(28 * 6).fill(5) }),
    bmp({
      width: 9,
      height: 6,
      bits: 8,
      compression: 1,
      palette,
      body: [9, 1, 0, 0, 0, 5, 1, 2, 3, 1, 2, 0, 0, 2, 1, 1, 0, 1],
    }),
    bmp({
      header: 124,
      width: 9,
      height: 6,
      bits: 32,
      compression: 3,
      masks: [255, 65280, 0xff0000, 0xff000000],
      body: Array(216).fill(9),
    }),
    bmp({
      width: 9,
      height: 6,
      bits: 4,
      compression: 2,
      palette,
      body: [9, 0x12, 0, 0, 0, 9, 1, 2, 3, 4, 5, 0, 0, 1],
    }),
  ];
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(pictures[round % pictures.length] as Buffer);
    for (let change = 0; change < 1 + next() * 4; change++)
      bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    const cut = next() < 0.2 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes;
    try {
      const size = readBmpSize(cut);
      if (size.width * size.height > 1e6) continue;
      const { data, width, height, channels } = decodeBmp(cut);
      assert.equal(data.length, width * height * channels);
      assert.deepEqual({ width, height }, { width: size.width, height: size.height });
      read++;
    } catch (error) {
      assert.match(String(error), /^Error: (it |its |the file ends too early|BMP picture)/);
    }
  }
  assert.ok(read > 1000, `${read} were read`);
});

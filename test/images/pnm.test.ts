import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { decodePicture, headerSize, openPicture } from '../../src/images/decode.ts';
import { decodePnm, readPnmSize } from '../../src/images/pnm.ts';

const pnm = (head: string, ...body: number[]) =>
  Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);

/** Two pixels. */
const pictures: [what: string, bytes: Buffer, channels: number, values: number[]][] = [
  ['P1, with or without spaces', pnm('P1\n# a comment\n2 1\n10'), 1, [0, 255]],
  ['P2', pnm('P2 2 1 15\n0 # black\n 15\n'), 1, [0, 255]],
  ['P3', pnm('P3\n2 1\n255\n1 2 3\n4 5 6'), 3, [1, 2, 3, 4, 5, 6]],
  ['P4', pnm('P4 2 1\n', 0b01000000), 1, [255, 0]],
  ['P5 of 16 bits', pnm('P5 2 1 65535\n', 1, 2, 255, 254), 1, [258, 65534]],
  ['P5 of 10 bits', pnm('P5 2 1 1023\n', 0, 1, 3, 255), 1, [64, 65535]],
  ['P6', pnm('P6 2 1 255\n', 1, 2, 3, 10, 32, 35), 3, [1, 2, 3, 10, 32, 35]],
  [
    'PAM with alpha',
    pnm('P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n', 1, 2, 3, 4, 5, 6, 7, 8),
    4,
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  ['PAM in black and white', pnm('P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nENDHDR\n', 0, 1), 1, [0, 255]],
];
for (const [what, bytes, channels, values] of pictures) {
  test(`${what} is read`, () => {
    const { data, ...shape } = decodePnm(bytes);
    assert.deepEqual(shape, { width: 2, height: 1, channels });
    assert.deepEqual([...data], values);
  });
}

test('a PFM is read from the bottom up, in either byte order', async () => {
  const floats = (little: boolean) => {
    const body = Buffer.alloc(8);
    for (const [index, value] of [1, 0.25].entries())
      if (little) body.writeFloatLE(value, 4 * index);
      else body.writeFloatBE(value, 4 * index);
    return pnm(`Pf\n1 2\n${little ? -1 : 1}.0\n`, ...body);
  };
  for (const little of [true, false]) assert.deepEqual([...decodePnm(floats(little)).data], [64, 255]);
});

test('cut off or unsupported pictures are errors that say so, and the header is enough for the size', async () => {
  const cut = pnm('P6 2 2 255\n', 1, 2, 3);
  assert.deepEqual(await headerSize(cut), { width: 2, height: 2 });
  const size = { width: 8, height: 8, channels: 3, fit: 'fill' } as const;
  await assert.rejects(decodePicture(cut, size), { message: 'damaged PNM (the file ends too early)' });
  const cmyk = pnm('P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\n');
  await assert.rejects(decodePicture(cmyk, size), {
    message: 'PAM picture of 4 channels (CMYK), which is not supported; save it as JPEG or PNG',
  });
  const large = pnm('P1 900000000 900000000\n1');
  await assert.rejects(decodePicture(large, size), { message: 'it has more than 200 million pixels' });
});

test('16 bits stay 16 until 8 are requested', async () => {
  const { space, depth } = await (await openPicture(pnm('P5 2 1 65535\n', 1, 2, 255, 254))).metadata();
  assert.deepEqual({ space, depth }, { space: 'grey16', depth: 'ushort' });
});

test('changed bytes give pixels of the header’s size or an error', () => {
  const next = seedrandom('3');
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from((pictures[round % pictures.length] as (typeof pictures)[0])[1]);
    for (let change = 0; change < 1 + next() * 3; change++)
      bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    try {
      const size = readPnmSize(bytes);
      const { data, width, height, channels } = decodePnm(bytes);
      assert.equal(data.length, width * height * channels);
      assert.deepEqual({ width, height }, { width: size.width, height: size.height });
      read++;
    } catch (error) {
      assert.match(String(error), /^Error: (its? |the file ends too early|PAM|PFM)/);
    }
  }
  assert.ok(read > 200, `${read} were read`);
});

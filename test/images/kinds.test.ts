import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodePicture, headerSize } from '../../src/images/decode.ts';
import { decodeOurselves } from '../../src/images/own_decoders.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { isUnsupported } from '../../src/images/raw_picture.ts';
import { adviceFor, readable, sniff } from '../../src/images/sniff.ts';

const size: PictureSize = { width: 8, height: 8, channels: 3, fit: 'fill' };

/** Bytes of latin-1 text, padded as files are. */
const file = (text: string, at = 0) =>
  Buffer.concat([Buffer.alloc(at), Buffer.from(text, 'latin1'), Buffer.alloc(600)]);
/** The first box of an ISO base media file. */
const media = (brand: string, ...others: string[]) =>
  file(`\0\0\0${String.fromCharCode(16 + 4 * others.length)}ftyp${brand}\0\0\0\0${others.join('')}`);

const others: [name: string, bytes: Buffer][] = [
  ['JPEG XL picture', file('\xff\x0a\x00\x10')],
  ['JPEG XL picture', file('\0\0\0\x0cJXL \r\n\x87\n')],
  ['JPEG 2000 picture', file('\0\0\0\x0cjP  \r\n\x87\n')],
  ['JPEG 2000 picture', file('\xff\x4f\xff\x51')],
  ['JPEG XR picture', file('II\xbc\x01')],
  ['Windows icon', file('\0\0\x01\0\x03\0\x20\x20\0\0\x01\0\x20\0')],
  ['Windows cursor', file('\0\0\x02\0\x01\0\x20\x20\0\0\x05\0\x05\0')],
  ['macOS icon', file('icns\0\0\x01\0')],
  ['Photoshop document', file('8BPS\0\x01')],
  ['PDF document', file('%PDF-1.7\n')],
  ['PostScript document', file('%!PS-Adobe-3.0 EPSF-3.0\n')],
  ['PostScript document', file('\xc5\xd0\xd3\xc6 \0\0\0')],
  ['RAW photograph (CR2)', file('II*\0\x10\0\0\0CR\x02\0')],
  ['RAW photograph (CR3)', media('crx ', 'isom')],
  ['RAW photograph (RAF)', file('FUJIFILMCCD-RAW 0201')],
  ['RAW photograph (ORF)', file('IIRO\x08\0\0\0')],
  ['RAW photograph (RW2)', file('IIU\0\x18\0\0\0')],
  ['video (QuickTime)', media('qt  ')],
  ['video (QuickTime)', file('\0\0\0\x08wide\0\0\x10\0mdat')],
  ['video (MP4)', media('isom', 'iso2', 'avc1', 'mp41')],
  ['video (MP4)', media('mp42')],
  ['video (MP4)', media('3gp4')],
  ['video (WebM or Matroska)', file('\x1aE\xdf\xa3\x9fB\x86')],
  ['video (AVI)', file('RIFF\0\0\0\0AVI LIST')],
  ['sound recording', file('RIFF\0\0\0\0WAVEfmt ')],
  ['zip archive', file('PK\x03\x04\x14\0')],
  [
    'Office document',
    file('PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml'),
  ],
  ['Office document', file('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')],
  ['gzip archive', file('\x1f\x8b\x08\0')],
  ['tar archive', file('ustar', 257)],
  ['DICOM picture', file('DICM', 128)],
  ['OpenEXR picture', file('v/1\x01')],
  ['TGA picture', file('\0\0\x02\0\0\0\0\0\0\0\0\0\x40\0\x30\0\x18\0')],
  ['NumPy array', file('\x93NUMPY\x01\0')],
  ['Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n')],
];
for (const [name, bytes] of others) {
  test(`${name} is named, with what to do`, async () => {
    assert.equal(sniff(bytes), name);
    const message = `${name}, which is not supported; ${adviceFor.get(name)}`;
    assert.ok(isUnsupported(message) && message.length < 100, message);
    await assert.rejects(decodePicture(bytes, size), { message });
    await assert.rejects(headerSize(bytes), { message });
  });
}

test('a reason that an earlier version wrote is recognised', () => {
  assert.ok(isUnsupported('PDF document, which is not read; save its pages as JPEG or PNG'));
  assert.ok(!isUnsupported('damaged PNG'));
});

test('a file that only begins like another format is not named so', () => {
  assert.equal(sniff(Buffer.from('BMW is a make of cars, which goes on for some time')), 'text');
  assert.equal(sniff(Buffer.from('P1 and P2 are words')), 'text');
  assert.equal(sniff(media('mif1', 'avif', 'miaf')), 'AVIF');
  assert.equal(sniff(media('mif1', 'heic', 'miaf')), 'HEIC');
  assert.equal(sniff(media('heic', 'mif1')), 'HEIC');
  assert.equal(sniff(file('RIFF\0\0\0\0WEBP')), 'WebP');
  assert.equal(sniff(Buffer.alloc(600, 200)), undefined);
  assert.equal(sniff(Buffer.alloc(600)), undefined);
});

test('a JPEG with a process that libjpeg lacks is named by it, not called damaged', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 50 } as const;
  const input = { create: { width: 64, height: 64, channels: 3, background: 'red', noise } } as const;
  const jpeg = await sharp(input).jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(jpeg);
    copy[at] = value;
    return decodePicture(copy, size);
  };
  await assert.rejects(changed(frame + 4, 12), { message: /^JPEG of 12 bits, which is not supported/ });
  await assert.rejects(changed(frame + 1, 0xf7), { message: /^JPEG-LS picture, which is not supported/ });
  await assert.rejects(changed(frame + 1, 0xc5), { message: /^hierarchical JPEG, which is not supported/ });
  const cut = jpeg.subarray(0, jpeg.length / 2);
  await assert.rejects(decodePicture(cut, size), { message: 'damaged JPEG' });
});

/** A TIFF of one uncompressed strip, little-endian (TIFF 6.0). */
function tiff(tags: Record<number, number[]>, strip: Buffer): Buffer {
  const entries = Object.entries({ ...tags, 273: [8], 279: [strip.length] }).map(([tag, values]) => ({
    tag: Number(tag),
    values,
  }));
  const lists = entries.filter(({ values }) => values.length > 2);
  const directory = 8 + strip.length;
  let free = directory + 2 + 12 * entries.length + 4;
  const head = Buffer.from('II*\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(directory, 4);
  const body = Buffer.alloc(2 + 12 * entries.length + 4);
  body.writeUInt16LE(entries.length, 0);
  for (const [index, { tag, values }] of entries.entries()) {
    const at = 2 + 12 * index;
    body.writeUInt16LE(tag, at);
    body.writeUInt16LE(values.length > 1 ? 3 : 4, at + 2);
    body.writeUInt32LE(values.length, at + 4);
    if (values.length === 1) body.writeUInt32LE(values[0] as number, at + 8);
    else if (values.length === 2)
      for (const i of [0, 1]) body.writeUInt16LE(values[i] as number, at + 8 + 2 * i);
    else {
      body.writeUInt32LE(free, at + 8);
      free += 2 * values.length;
    }
  }
  const tail = lists.flatMap(({ values }) => values.flatMap((value) => [value & 255, value >> 8]));
  return Buffer.concat([head, strip, body, Buffer.from(tail)]);
}

type Samples = Float32Array | Uint32Array | Int16Array | Uint8Array | Uint16Array | Float64Array;

/** A TIFF of `channels` samples for each of two by two pixels. */
function four(samples: Samples, channels: number, photometric: number, more: Record<number, number[]> = {}) {
  const bits = Array(channels).fill(samples.BYTES_PER_ELEMENT * 8);
  const format =
    samples instanceof Float32Array || samples instanceof Float64Array
      ? 3
      : samples instanceof Int16Array
        ? 2
        : 1;
  const tags = {
    256: [2],
    257: [2],
    258: bits,
    259: [1],
    262: [photometric],
    277: [channels],
    278: [2],
    339: Array(channels).fill(format),
  };
  return tiff({ ...tags, ...more }, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
}

const two = { ...size, width: 2, height: 2 };
const [black, red, mid, white] = [
  [0, 0, 0],
  [255, 0, 0],
  [0, 128, 255],
  [255, 255, 255],
] as const;
const rgb = [black, red, mid, white].flat();
const grey = [0, 64, 128, 255];
const inRgb = (values: number[]) => values.flatMap((value) => [value, value, value]);
/** Each pixel with more samples behind its colours. */
const extended = (...more: number[]) => [black, red, mid, white].flatMap((pixel) => [...pixel, ...more]);

const tiffs: [what: string, bytes: Buffer, expected: number[]][] = [
  [
    'floating point up to 1',
    four(
      Float32Array.from(rgb, (v) => v / 255),
      3,
      2,
    ),
    rgb,
  ],
  ['floating point up to 255', four(Float32Array.from(rgb), 3, 2), rgb],
  [
    'floating point up to 65535',
    four(
      Float32Array.from(rgb, (v) => v * 257),
      3,
      2,
    ),
    rgb,
  ],
  [
    'grey floating point',
    four(
      Float32Array.from(grey, (v) => v / 255),
      1,
      1,
    ),
    inRgb(grey),
  ],
  [
    '32 bits',
    four(
      Uint32Array.from(rgb, (v) => v * 0x1010101),
      3,
      2,
    ),
    rgb,
  ],
  ['32 bits up to 255', four(Uint32Array.from(grey), 1, 1), inRgb(grey)],
  ['signed 16 bits up to 255', four(Int16Array.from(rgb), 3, 2), rgb],
  [
    '16 bits',
    four(
      Uint16Array.from(rgb, (v) => v * 257),
      3,
      2,
    ),
    rgb,
  ],
  ['a sample that is not alpha', four(Uint8Array.from(extended(9)), 4, 2, { 338: [0] }), rgb],
  ['two samples that are not alpha', four(Uint8Array.from(extended(9, 200)), 5, 2, { 338: [0, 0] }), rgb],
  ['a fourth sample that nothing is said of', four(Uint8Array.from(extended(9)), 4, 2), rgb],
  [
    'floating point and associated alpha',
    four(Float32Array.of(0, 0, 0, 1, 0.5, 0, 0, 0.5, 0, 0, 0, 0, 1, 1, 1, 1), 4, 2, { 338: [1] }),
    [...black, 255, 127, 127, ...white, ...white],
  ],
  ['unassociated alpha', four(Uint8Array.from(extended(0)), 4, 2, { 338: [2] }), Array(12).fill(255)],
  ['white is zero', four(Uint8Array.from(grey), 1, 0), inRgb(grey.map((v) => 255 - v))],
  [
    'YCbCr',
    four(Uint8Array.from([0, 128, 128, 255, 128, 128, 128, 128, 128, 76, 85, 255]), 3, 6, { 530: [1, 1] }),
    [...black, ...white, 128, 128, 128, 254, 0, 0],
  ],
  [
    'CIELab',
    four(Uint8Array.from([0, 0, 0, 255, 0, 0, 137, 0, 0, 138, 81, 70]), 3, 8),
    [...black, ...white, 128, 128, 128, 255, 0, 0],
  ],
];
for (const [what, bytes, expected] of tiffs) {
  test(`a TIFF with ${what} has its colours`, async () => {
    const pixels = [...(await decodePicture(bytes, two))];
    const off = Math.max(...pixels.map((value, index) => Math.abs(value - (expected[index] as number))));
    assert.ok(pixels.length === 12 && off <= (what === 'CIELab' ? 8 : 1), `${pixels}, not ${expected}`);
  });
}

const refused: [what: string, bytes: Buffer, message: RegExp][] = [
  [
    'negative samples',
    four(Float32Array.of(-2.5, 0, 1, 2), 1, 1),
    /^floating-point TIFF with samples from -2.5 to 2, which/,
  ],
  [
    'NaN',
    four(Float32Array.of(Number.NaN, 0, 1, 2), 1, 1),
    /^floating-point TIFF with NaN among its samples, which/,
  ],
  ['64 bits', four(Float64Array.of(0, 0, 1, 1), 1, 1), /^TIFF with samples of 64 bits, which/],
  [
    'a compression that libvips lacks',
    four(Uint8Array.from(rgb), 3, 2, { 259: [34925] }),
    /^TIFF with LZMA compression, which/,
  ],
  ['a mosaic of colours', four(Uint16Array.from(grey), 1, 32803), /^RAW photograph, which/],
  [
    'a thumbnail before a camera’s picture',
    four(Uint8Array.from(rgb), 3, 2, { 254: [1], 330: [8] }),
    /^RAW photograph, which/,
  ],
  ['a DNG', four(Uint8Array.from(rgb), 3, 2, { 50706: [0, 1] }), /^RAW photograph, which/],
];
for (const [what, bytes, message] of refused) {
  test(`a TIFF with ${what} is refused with a reason`, async () => {
    await assert.rejects(
      decodePicture(bytes, two),
      (error: Error) => message.test(error.message) && isUnsupported(error.message),
    );
  });
}

test('16 bits with a profile become sRGB', async () => {
  const colours = await sharp(Buffer.from(rgb), { raw: { width: 2, height: 2, channels: 3 } })
    .toColourspace('rgb16')
    .withIccProfile('p3')
    .png()
    .toBuffer();
  assert.equal((await sharp(colours).metadata()).depth, 'ushort');
  const pixels = [...(await decodePicture(colours, two))];
  assert.ok(
    pixels.every((value, index) => Math.abs(value - (rgb[index] as number)) <= 8),
    String(pixels),
  );
});

test('a phone’s photograph is read in sRGB and turned upright', async () => {
  const heic = (name: string) => readFileSync(new URL(`./fixtures/${name}.heic`, import.meta.url));
  // Left half red, right half blue, which in Display P3 is 234, 51, 34 and 0, 0, 245.
  const wide = await decodePicture(heic('display_p3'), size);
  assert.ok((wide[0] as number) > 250 && (wide[1] as number) < 5 && (wide[2] as number) < 8);
  assert.ok((wide[21] as number) < 5 && (wide[22] as number) < 5 && (wide[23] as number) > 250);
  assert.deepEqual(await headerSize(heic('display_p3')), { width: 64, height: 64 });
  // Without a profile, and a quarter turn clockwise: the red half is above.
  const turned = await decodePicture(heic('turned'), size);
  const last = 8 * 8 * 3 - 3;
  assert.ok((turned[0] as number) > 225 && (turned[21] as number) > 225 && (turned[last] as number) < 10);
  const cut = heic('turned').subarray(0, 700);
  await assert.rejects(decodePicture(cut, size), { message: /^damaged HEIC \(/ });
});

test('a HEIC with changed bytes does not keep the next one from being read', async () => {
  const whole = readFileSync(new URL('./fixtures/turned.heic', import.meta.url));
  for (let round = 0; round < 20; round++) {
    const bytes = Buffer.from(whole);
    for (let at = 40 + round; at < bytes.length; at += 97) bytes[at] = (at * 31 + round) & 255;
    await decodePicture(bytes, size).catch((error: Error) => assert.match(error.message, /HEIC|pixels/));
  }
  assert.equal((await decodePicture(whole, size)).length, 8 * 8 * 3);
});

test('a picture that claims to be large does not delay others', async () => {
  // 60 bytes: 6,000 x 6,000 pixels of run lengths that end at once.
  const bytes = Buffer.alloc(60);
  bytes.write('BM\0\0\0\0\0\0\0\0\x3a', 'latin1');
  const fields = [
    [14, 40],
    [18, 6000],
    [22, 6000],
    [26, 0x80001],
    [30, 1],
    [46, 1],
  ] as const;
  for (const [at, value] of fields) bytes.writeUInt32LE(value, at);
  bytes[59] = 1;
  // The threads have started then.
  await decodePicture(readFileSync(new URL('./fixtures/turned.heic', import.meta.url)), size);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const decoded = await decodeOurselves('BMP', bytes, 36_000_000);
  clearInterval(timer);
  assert.equal(decoded.data.length, 6000 * 6000 * 3);
  assert.ok(turns > 0);
  await assert.rejects(
    decodeOurselves('BMP', bytes, 35_999_999),
    /it has more than 35.999999 million pixels/,
  );
});

test('every format that is read has a name of its own', () => {
  for (const name of readable) assert.equal(adviceFor.has(name), false);
});

test('comments before an SVG take time proportional to their number', () => {
  // Each could be split from the next in two ways: 2 to the 70th, were all of them tried.
  assert.equal(sniff(Buffer.from('<!---->'.repeat(70))), 'text');
  assert.equal(sniff(Buffer.from(`<?xml version="1.0"?><!-- a --> <!-- > -->\n<svg`)), 'SVG');
});

test('decoding a picture that is part of a request leaves the request unchanged', async () => {
  // Header, no palette, one row of one blue pixel, padded.
  const bmp = Buffer.alloc(58);
  bmp.write('BM', 'latin1');
  bmp.writeUInt32LE(54, 10);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(1, 18);
  bmp.writeInt32LE(1, 22);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  bmp[54] = 255;
  const request = Buffer.alloc(1 << 20, 7);
  bmp.copy(request, 1000);
  const { data } = await decodeOurselves('BMP', request.subarray(1000, 1058), 100);
  assert.deepEqual([...data], [0, 0, 255]);
  assert.equal(request[999], 7);
});

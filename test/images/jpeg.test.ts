import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { decodePicture, decodeWithSharp } from '../../src/images/decode.ts';
import { makeCodec } from '../../src/images/jpeg/codec.ts';
import { readJpegHeader } from '../../src/images/jpeg/header.ts';
import { resizeJpeg, resizePixels } from '../../src/images/jpeg/index.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const module = new WebAssembly.Module(
  readFileSync(new URL('../../src/images/jpeg/jpeg.wasm', import.meta.url)),
);
const codec = makeCodec(module);

/** A drawing with edges and areas, of any size. */
async function drawing(width: number, height: number): Promise<Sharp> {
  return sharp(await emoji('bat', 256).toBuffer()).resize(width, height, { fit: 'fill' });
}

const colours: PictureSize = { width: 20, height: 30, channels: 3, fit: 'fill' };

function decode(jpeg: Buffer, size: PictureSize): Uint8Array | undefined {
  const header = readJpegHeader(jpeg);
  return header && codec(jpeg, header, size);
}

/** Peak signal-to-noise ratio, dB. */
function likeness(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  const squares = a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / a.length || 1e-9));
}

// The reference is sharp's decoding of the whole picture, resampled as resample.test.ts compares with Pillow.
async function reference(jpeg: Buffer, size: PictureSize): Promise<Uint8Array> {
  const { data, info } = await sharp(jpeg).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return resizePixels({ data, width: info.width, height: info.height }, size);
}

const subsamplings = ['4:4:4', '4:2:0'];
const sizes: [source: [number, number], size: [number, number]][] = [
  [
    [64, 64],
    [64, 64],
  ],
  [
    [97, 61],
    [97, 61],
  ],
  [
    [64, 48],
    [100, 100],
  ],
  [
    [300, 20],
    [100, 100],
  ],
  [
    [200, 120],
    [100, 100],
  ],
  [
    [203, 333],
    [50, 90],
  ],
  [
    [640, 480],
    [40, 30],
  ],
  [
    [1024, 768],
    [16, 16],
  ],
];
for (const chromaSubsampling of subsamplings) {
  for (const [[fromWidth, fromHeight], [width, height]] of sizes) {
    test(`${fromWidth}x${fromHeight} ${chromaSubsampling} to ${width}x${height} equals resampling the fully decoded picture`, async () => {
      const jpeg = await (await drawing(fromWidth, fromHeight))
        .jpeg({ quality: 90, chromaSubsampling })
        .toBuffer();
      const size = { ...colours, width, height };
      const pixels = decode(jpeg, size);
      assert.ok(pixels);
      assert.ok(likeness(pixels, await reference(jpeg, size)) > 30);
    });
  }
}

test('fit crops or pads with white', async () => {
  const jpeg = await (await drawing(300, 200)).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
  for (const fit of ['cover', 'contain'] as const) {
    for (const [width, height] of [
      [40, 40],
      [30, 50],
      [60, 20],
    ] as const) {
      const size = { ...colours, width, height, fit };
      const pixels = decode(jpeg, size);
      assert.ok(pixels);
      const found = likeness(pixels, await reference(jpeg, size));
      assert.ok(found > 27, `${fit} ${width}x${height}: ${found}`);
    }
  }
});

test('greyscale pictures stay grey, in one channel or three', async () => {
  const jpeg = await (await drawing(160, 120)).greyscale().jpeg().toBuffer();
  const [one, three] = [decode(jpeg, { ...colours, channels: 1 }), decode(jpeg, colours)];
  assert.ok(one && three);
  assert.deepEqual(
    [...three],
    [...one].flatMap((value) => [value, value, value]),
  );
  assert.ok(likeness(three, await reference(jpeg, colours)) > 30);
});

test('a written JPEG shows the picture, at any size', async () => {
  for (const [width, height] of [
    [100, 100],
    [8, 8],
    [9, 17],
    [1, 1],
  ] as const) {
    for (const picture of [await drawing(300, 200), (await drawing(300, 200)).greyscale()]) {
      const jpeg = await picture.jpeg({ quality: 95 }).toBuffer();
      const header = readJpegHeader(jpeg);
      assert.ok(header);
      const size = { ...colours, width, height };
      const written = codec(jpeg, header, { ...size, quality: 95 });
      const pixels = codec(jpeg, header, size);
      assert.ok(written && pixels);
      const { data, info } = await sharp(written, { failOn: 'warning' })
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [width, height]);
      assert.ok(likeness(data, pixels) > 32, `${width}x${height}: ${likeness(data, pixels)}`);
    }
  }
});

/** The file with a segment put in after the start marker. */
function withSegment(jpeg: Buffer, marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, content, jpeg.subarray(2)]);
}

test('unusual JPEGs are left to sharp', async () => {
  const picture = () => drawing(64, 64);
  const plain = await (await picture()).jpeg().toBuffer();
  const cases: Record<string, Buffer> = {
    progressive: await (await picture()).jpeg({ progressive: true }).toBuffer(),
    turned: await (await picture()).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    'with a colour profile': await (await picture()).withIccProfile('p3').jpeg().toBuffer(),
    CMYK: await (await picture()).toColourspace('cmyk').jpeg().toBuffer(),
    'RGB by Adobe': withSegment(plain, 0xee, Buffer.from('Adobe\0\x64\0\0\0\0\0', 'latin1')),
    PNG: await (await picture()).png().toBuffer(),
    'without tables': Buffer.concat([
      Buffer.from([0xff, 0xd8]),
      plain.subarray(plain.indexOf(Buffer.from([0xff, 0xc0]))),
    ]),
  };
  assert.ok(readJpegHeader(plain));
  for (const [what, bytes] of Object.entries(cases)) assert.equal(readJpegHeader(bytes), undefined, what);
});

/** Strips of the same width and eight high, below each other with a restart marker between two of them. */
function joinStrips(strips: Buffer[], width: number): Buffer {
  const [first] = strips;
  assert.ok(first);
  const { scanStart } = readJpegHeader(first) ?? assert.fail();
  const head = Buffer.from(first.subarray(0, scanStart));
  head.writeUInt16BE(8 * strips.length, head.indexOf(Buffer.from([0xff, 0xc0])) + 5);
  const scans = strips.flatMap((strip, index) => [
    ...(index > 0 ? [Buffer.from([0xff, 0xd0 + ((index - 1) % 8)])] : []),
    strip.subarray(scanStart, -2),
  ]);
  const joined = Buffer.concat([head, ...scans, Buffer.from([0xff, 0xd9])]);
  return withSegment(joined, 0xdd, Buffer.from([0, width / 8]));
}

test('restart markers are followed', async () => {
  const [width, rows] = [128, 12];
  const strips: Buffer[] = [];
  const picture = await (await drawing(width, rows * 8)).toBuffer();
  for (let row = 0; row < rows; row++) {
    const strip = sharp(picture).extract({ left: 0, top: row * 8, width, height: 8 });
    const jpeg = await strip.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
    const header = readJpegHeader(jpeg) ?? assert.fail();
    strips.push(Buffer.from(codec(jpeg, header, { ...colours, width, height: 8, quality: 90 }) ?? []));
  }
  const joined = joinStrips(strips, width);
  assert.equal(readJpegHeader(joined)?.restartInterval, width / 8);
  const whole = decode(joined, { ...colours, width, height: rows * 8 });
  const apart = strips.map((strip) => decode(strip, { ...colours, width, height: 8 }) ?? assert.fail());
  assert.deepEqual(Buffer.from(whole ?? []), Buffer.concat(apart));
  assert.ok(
    likeness(whole ?? assert.fail(), await sharp(joined, { failOn: 'warning' }).raw().toBuffer()) > 40,
  );
  // A marker out of order, or bytes before one, mean that something is missing.
  const third = joined.indexOf(Buffer.from([0xff, 0xd2]));
  const misplaced = Buffer.from(joined);
  misplaced[third + 1] = 0xd5;
  assert.equal(decode(misplaced, colours), undefined);
  const longer = Buffer.concat([joined.subarray(0, third), Buffer.from([1, 2]), joined.subarray(third)]);
  assert.equal(decode(longer, colours), undefined);
  // Without its last strip the picture is not whole.
  const last = joined.lastIndexOf(Buffer.from([0xff, 0xd0 + ((rows - 2) % 8)]));
  assert.equal(decode(joined.subarray(0, last), colours), undefined);
});

test('damage is found or does no harm: cut and changed files never throw', async () => {
  const jpeg = await (await drawing(96, 64)).jpeg({ quality: 85 }).toBuffer();
  const before = decode(jpeg, colours);
  fc.assert(
    fc.property(fc.nat(jpeg.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const damaged = Buffer.from(cut ? jpeg.subarray(0, at) : jpeg);
      if (!cut) damaged[at] = byte;
      const pixels = decode(damaged, colours);
      assert.ok(pixels === undefined || pixels.length === 20 * 30 * 3);
    }),
    { numRuns: 2000 },
  );
  assert.deepEqual(decode(jpeg, colours), before);
  const header = readJpegHeader(jpeg);
  assert.ok(header);
  // All but the last bytes of the scan.
  for (let kept = header.scanStart; kept < jpeg.length - 20; kept += 97)
    assert.equal(decode(jpeg.subarray(0, kept), colours), undefined, `${kept} of ${jpeg.length} bytes`);
});

test('a JPEG that sharp calls damaged is not decoded', async () => {
  const jpeg = await (await drawing(96, 64)).jpeg({ quality: 85 }).toBuffer();
  const tables = jpeg.indexOf(Buffer.from([0xff, 0xc4]));
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  const isReadBySharp = async (bytes: Buffer) =>
    decodeWithSharp(bytes, colours).then(
      () => true,
      () => false,
    );
  const changed = (at: number, byte: number) => {
    const copy = Buffer.from(jpeg);
    copy[at] = byte;
    return copy;
  };
  assert.equal(await isReadBySharp(jpeg), true);
  const damaged: Record<string, Buffer> = {
    'without its end': jpeg.subarray(0, -2),
    'a code that is all ones': changed(tables + 5, 2),
    'a DC coefficient of 16 bits': changed(tables + 21, 16),
    'a table that is none': changed(scan + 6, 0x04),
  };
  for (const [what, bytes] of Object.entries(damaged)) {
    assert.equal(await isReadBySharp(bytes), false, what);
    assert.equal(decode(bytes, colours), undefined, what);
  }
  const byte = fc.record({ at: fc.nat(scan + 16), value: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(byte, async ({ at, value }) => {
      const bytes = changed(at, value);
      const isLeftToSharp = decode(bytes, colours) === undefined;
      assert.ok(isLeftToSharp || (await isReadBySharp(bytes)));
    }),
    { numRuns: 500 },
  );
});

test('threads give the same as the main thread, from files or bytes', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'out'));
  const jpeg = await (await drawing(120, 90)).jpeg().toBuffer();
  writeFileSync(join(folder, 'a.jpg'), jpeg);
  const expected = decode(jpeg, colours);
  const written = codec(jpeg, readJpegHeader(jpeg) ?? assert.fail(), { ...colours, quality: 95 });
  for (let round = 0; round < 40; round++) {
    const output = join(folder, 'out', `${round}.jpg`);
    const [fromFile, fromBytes, made, none] = await Promise.all([
      resizeJpeg({ input: join(folder, 'a.jpg'), target: colours }),
      decodePicture(jpeg, colours),
      resizeJpeg({ input: jpeg, target: { ...colours, quality: 95 }, output }),
      resizeJpeg({ input: join(folder, 'missing.jpg'), target: colours }),
    ]);
    assert.deepEqual(fromFile, expected);
    assert.deepEqual(fromBytes, expected);
    assert.equal(made, true);
    assert.equal(none, undefined);
    assert.deepEqual(new Uint8Array(readFileSync(output)), written);
  }
});

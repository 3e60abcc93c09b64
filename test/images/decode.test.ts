import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';

const size: PictureSize = { width: 8, height: 8, channels: 3, fit: 'fill' };

const red = { r: 255, g: 0, b: 0 };
const blue = { r: 0, g: 0, b: 255 };

/** Left half red, right half blue. */
function halves(): Sharp {
  const right = { create: { width: 16, height: 32, channels: 3 as const, background: blue } };
  return plain(red, 32).composite([{ input: right, left: 16, top: 0 }]);
}

function pixel(pixels: Uint8Array, x: number, y: number, { width, channels } = size): number[] {
  const start = (y * width + x) * channels;
  return [...pixels.subarray(start, start + channels)];
}

function assertNear(actual: number[], expected: number[], tolerance: number, what = ''): void {
  const close = actual.every((value, i) => Math.abs(value - (expected[i] as number)) <= tolerance);
  assert.ok(close && actual.length === expected.length, `${what}: ${actual} instead of ${expected}`);
}

// Where the red half lies once the picture is turned as its orientation says (EXIF 2.32, tag 0x0112).
const redSide = { 1: [1, 4], 2: [6, 4], 3: [6, 4], 4: [1, 4], 5: [4, 1], 6: [4, 1], 7: [4, 6], 8: [4, 6] };
for (const [orientation, [x, y]] of Object.entries(redSide)) {
  test(`EXIF orientation ${orientation} is applied`, async () => {
    const jpeg = await halves()
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: Number(orientation) })
      .toBuffer();
    assertNear(pixel(await decodePicture(jpeg, size), x as number, y as number), [255, 0, 0], 12);
    assertNear(pixel(await decodePicture(jpeg, size), 7 - (x as number), 7 - (y as number)), [0, 0, 255], 12);
  });
}

test('transparency is laid on white', async () => {
  const clear = {
    create: { width: 16, height: 16, channels: 4 as const, background: { ...red, alpha: 0.5 } },
  };
  const pixels = await decodePicture(await sharp(clear).png().toBuffer(), size);
  assertNear(pixel(pixels, 3, 3), [255, 127, 127], 2);
});

test('greyscale, 16-bit, palette and CMYK pictures become 8-bit sRGB', async () => {
  const grey = plain('#808080', 16);
  const pictures: Record<string, Promise<Buffer>> = {
    grey: grey.clone().toColourspace('b-w').png().toBuffer(),
    '16-bit': grey.clone().toColourspace('rgb16').png().toBuffer(),
    palette: grey.clone().png({ palette: true }).toBuffer(),
    CMYK: grey.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
  };
  for (const [what, picture] of Object.entries(pictures)) {
    const pixels = await decodePicture(await picture, size);
    assert.equal(pixels.length, 8 * 8 * 3);
    assertNear(pixel(pixels, 3, 3), [128, 128, 128], what === 'CMYK' ? 16 : 1, what);
  }
});

test('one channel gives greyscale', async () => {
  const pixels = await decodePicture(await halves().png().toBuffer(), { ...size, channels: 1 });
  assert.equal(pixels.length, 64);
  assert.notEqual(pixels[1], pixels[6]);
});

test('an animated picture gives its first frame', async () => {
  const frame = (background: object) => ({
    create: { width: 16, height: 16, channels: 3 as const, background },
  });
  const frames = await Promise.all([red, blue].map((colour) => sharp(frame(colour)).png().toBuffer()));
  for (const format of ['gif', 'webp'] as const) {
    const picture = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer();
    assert.equal((await sharp(picture, { animated: true }).metadata()).pages, 2);
    assertNear(pixel(await decodePicture(picture, size), 3, 3), [255, 0, 0], 12, format);
  }
});

test('fit stretches, crops, or pads with white', async () => {
  const wide = await plain(red, 32, 16).png().toBuffer();
  const corner = async (fit: PictureSize['fit']) => pixel(await decodePicture(wide, { ...size, fit }), 0, 0);
  assert.deepEqual(await corner('fill'), [255, 0, 0]);
  assert.deepEqual(await corner('cover'), [255, 0, 0]);
  assert.deepEqual(await corner('contain'), [255, 255, 255]);
});

test('unreadable files are errors with a short reason', async () => {
  const jpeg = await sharp({
    create: {
      width: 300,
      height: 300,
      channels: 3,
      noise: { type: 'gaussian', mean: 128, sigma: 50 },
      background: red,
    },
  })
    .jpeg()
    .toBuffer();
  const table: [what: Buffer, reason: RegExp][] = [
    [Buffer.alloc(0), /^the file is empty$/],
    [Buffer.from('<!DOCTYPE html><html></html>'), /^HTML, not a picture$/],
    [Buffer.from('just words'), /^text, not a picture$/],
    [
      Buffer.from('%PDF-1.4 \x00\x01'),
      /^PDF document, which is not supported; save its pages as JPEG or PNG$/,
    ],
    [Buffer.from('BM\x00\x01\x02\x03'), /^damaged BMP \(its header is incomplete\)$/],
    [Buffer.from([0, 1, 2, 3, 200, 201]), /^not a picture$/],
    [jpeg.subarray(0, jpeg.length / 2), /^damaged JPEG$/],
    [jpeg.subarray(0, 20), /^damaged JPEG$/],
  ];
  for (const [bytes, reason] of table) {
    await assert.rejects(decodePicture(bytes, size), (error) => {
      assert.match((error as Error).message, reason);
      assert.doesNotMatch((error as Error).message, /\n/);
      return true;
    });
  }
});

test('BMPs of every depth are read', async () => {
  // Two rows of two: red, green; blue, white. Bottom row first, rows padded to four bytes.
  const row = (...pixels: (readonly number[])[]) => [...pixels.flatMap((rgb) => [...rgb].reverse()), 0, 0];
  const [red, green, blue, white] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ] as const;
  const plain = bmp(24, [], [...row([...blue], [...white]), ...row([...red], [...green])]);
  const palette = [red, green, blue, white].flatMap(([r, g, b]) => [b, g, r, 0]);
  const indexed = bmp(8, palette, [2, 3, 0, 0, 0, 1, 0, 0]);
  for (const bytes of [plain, indexed]) {
    const pixels = await decodePicture(bytes, { width: 2, height: 2, channels: 3, fit: 'fill' });
    assert.deepEqual([...pixels], [...red, ...green, ...blue, ...white]);
  }
  const cut = plain.subarray(0, plain.length - 4);
  await assert.rejects(decodePicture(cut, size), /damaged BMP \(the file ends too early\)/);
  const bomb = Buffer.from(plain);
  bomb.writeInt32LE(100_000, 18);
  bomb.writeInt32LE(100_000, 22);
  await assert.rejects(decodePicture(bomb, size), /more than 200 million pixels/);
});

/** A BMP of 2 x 2 pixels. */
function bmp(bits: number, palette: number[], rows: number[]): Buffer {
  const start = 54 + palette.length;
  const header = Buffer.alloc(54);
  header.write('BM', 'latin1');
  header.writeUInt32LE(start + rows.length, 2);
  header.writeUInt32LE(start, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(2, 18);
  header.writeInt32LE(2, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(rows.length, 34);
  header.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([header, Buffer.from(palette), Buffer.from(rows)]);
}

test('a file gives the pixels of its bytes', async () => {
  const folder = temporaryFolder();
  const turned = halves().withMetadata({ orientation: 6 });
  const clear = {
    create: { width: 16, height: 16, channels: 4 as const, background: { ...red, alpha: 0.5 } },
  };
  const pictures: Record<string, Promise<Buffer>> = {
    png: halves().png().toBuffer(),
    webp: halves().webp().toBuffer(),
    'turned png': turned.clone().png().toBuffer(),
    'turned webp': turned.clone().webp().toBuffer(),
    'clear png': sharp(clear).png().toBuffer(),
    'clear webp': sharp(clear).webp().toBuffer(),
    'wide png': halves().withIccProfile('p3').png().toBuffer(),
    '16-bit png': halves().toColourspace('rgb16').withIccProfile('p3').png().toBuffer(),
    'interlaced png': halves().png({ progressive: true }).toBuffer(),
  };
  for (const [name, picture] of Object.entries(pictures)) {
    const bytes = await picture;
    const file = join(folder, name.replace(' ', '.'));
    writeFileSync(file, bytes);
    for (const filter of ['lanczos3', 'bicubic'] as const)
      for (const fit of ['fill', 'cover'] as const)
        assert.deepEqual(
          await decodePicture(file, { ...size, filter, fit }),
          await decodePicture(bytes, { ...size, filter, fit }),
          name,
        );
  }
});

test('a file that was written again gives its new pixels', async () => {
  const file = join(temporaryFolder(), 'picture.png');
  for (const colour of [red, blue, red]) {
    await plain(colour, 16).png().toFile(file);
    assert.deepEqual(pixel(await decodePicture(file, size), 3, 3), Object.values(colour));
  }
});

test('an SVG loads no other files', async () => {
  const folder = temporaryFolder();
  await plain('red', 8).png().toFile(join(folder, 'secret.png'));
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const targets = ['secret.png', `file://${folder}/secret.png`, `http://127.0.0.1:${port}/secret.png`];
  for (const target of targets) {
    const file = join(folder, 'picture.svg');
    writeFileSync(
      file,
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8">
<image href="${target}" xlink:href="${target}" width="8" height="8"/></svg>`,
    );
    const pixels = await decodePicture(file, { width: 8, height: 8, channels: 3, fit: 'fill' });
    assert.ok(
      pixels.every((value) => value === 255),
      target,
    );
    // What begins as a PNG is opened by its path.
    const svg = readFileSync(file);
    for (const begin of ['\x89PNG', '\x89PNG\r\n\x1a\n', 'RIFF\0\0\0\0WEBP', 'RIFF\0\0\0\0WEBPVP8 ']) {
      writeFileSync(file, Buffer.concat([Buffer.from(begin, 'latin1'), svg]));
      await assert.rejects(decodePicture(file, size), /damaged (PNG|WebP)/);
    }
  }
  server.close();
  assert.equal(asked, 0);
});

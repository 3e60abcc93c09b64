import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import type { Picture } from '../../src/augment/picture.ts';
import { decodePicture } from '../../src/images/decode.ts';
import { placement } from '../../src/images/jpeg/codec.ts';
import { resizePixels } from '../../src/images/jpeg/index.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { differenceOf, pictureOf, redsOf } from '../helpers/pixels.ts';
import { plain } from '../helpers/plain.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const fits = ['fill', 'cover', 'contain'] as const;

function opened({ data, width, height }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Each made once. */
const scenes = new Map<string, Picture>();

/** Waves a few pixels long under two sharp-edged areas. */
function scene(width: number, height: number): Picture {
  const known = scenes.get(`${width} ${height}`) ?? drawScene(width, height);
  scenes.set(`${width} ${height}`, known);
  return known;
}

function drawScene(width: number, height: number): Picture {
  return pictureOf(width, height, (x, y) => {
    if (x > width / 3 && x < width / 2 && y > height / 3 && y < height / 2) return [255, 0, 0];
    if (x > width / 2 && y > height / 2 && y < (3 * height) / 4) return [0, 0, 255];
    return [
      128 + 90 * Math.sin(x / 3),
      128 + 90 * Math.cos(y / 4 + x / 9),
      60 + 50 * Math.sin((x + y) / 5),
    ].map(Math.round);
  });
}

/** One axis after the other, straight from the definition of Pillow's LANCZOS. [length, inner] at a stride. */
function lanczos(
  from: Float64Array,
  length: number,
  start: number,
  size: number,
  results: number,
): Float64Array {
  const inner = from.length / length;
  const to = new Float64Array(results * inner);
  const scale = size / results;
  const stretch = Math.max(1, scale);
  const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  for (let result = 0; result < results; result++) {
    const centre = start + (result + 0.5) * scale;
    const weights = Array.from({ length }, (_, at) => {
      const x = (at + 0.5 - centre) / stretch;
      return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
    });
    const sum = weights.reduce((all, weight) => all + weight, 0);
    for (const [at, weight] of weights.entries())
      if (weight !== 0)
        for (let value = 0; value < inner; value++)
          (to[result * inner + value] as number) += ((from[at * inner + value] as number) * weight) / sum;
  }
  return to;
}

/** [rows, columns, 3] -> [columns, rows, 3] */
function transposed(from: Float64Array, rows: number): Float64Array {
  const columns = from.length / 3 / rows;
  const at = (to: number) =>
    ((Math.floor(to / 3) % rows) * columns + Math.floor(to / 3 / rows)) * 3 + (to % 3);
  return Float64Array.from(from, (_, to) => from[at(to)] as number);
}

function reference({ data, width, height }: Picture, size: PictureSize): Picture {
  const { box, inner } = placement({ width, height }, size);
  const rows = lanczos(Float64Array.from(data), height, box.top, box.height, inner.height);
  const columns = lanczos(transposed(rows, inner.height), width, box.left, box.width, inner.width);
  const placed = transposed(columns, inner.width);
  return pictureOf(size.width, size.height, (x, y) => {
    const [column, row] = [x - inner.left, y - inner.top];
    const isInside = column >= 0 && column < inner.width && row >= 0 && row < inner.height;
    const at = (row * inner.width + column) * 3;
    const bytes = (values: Float64Array) => [...new Uint8ClampedArray(values)];
    return isInside ? bytes(placed.subarray(at, at + 3)) : [255, 255, 255];
  });
}

const sources: [width: number, height: number][] = [
  [1, 1],
  [1, 7],
  [33, 47],
  [99, 101],
  [100, 80],
  [150, 60],
  [203, 333],
  [500, 9],
  [320, 240],
  [701, 499],
];

for (const [width, height] of sources) {
  test(`resampling to ${width} x ${height} gives Pillow’s LANCZOS`, async () => {
    const source = scene(width, height);
    const png = await opened(source).png().toBuffer();
    for (const fit of fits) {
      const size: PictureSize = { width: 100, height: 80, channels: 3, fit };
      const expected = reference(source, size);
      const own = { ...expected, data: Buffer.from(resizePixels(source, size)) };
      const ofOwn = differenceOf(own, expected);
      assert.ok(ofOwn.largest <= 1 && ofOwn.mean < 0.1, `${fit}: ${JSON.stringify(ofOwn)}`);
      const decoded = { ...expected, data: Buffer.from(await decodePicture(png, size)) };
      // libvips shrinks large ones most of the way, with a kernel of its own.
      const ofDecoded = differenceOf(decoded, expected);
      assert.ok(ofDecoded.largest <= 20 && ofDecoded.mean < 0.8, `${fit}: ${JSON.stringify(ofDecoded)}`);
    }
  });
}

test('an edge gets Pillow’s values on both sides', async () => {
  const edge = pictureOf(6, 1, (x) => (x < 3 ? [0, 0, 0] : [255, 255, 255]));
  const png = await opened(edge).png().toBuffer();
  const row = async (width: number) => {
    const data = Buffer.from(await decodePicture(png, { width, height: 1, channels: 3, fit: 'fill' }));
    return redsOf({ data, width, height: 1 })[0];
  };
  // Image.fromarray(...).resize((width, 1), Image.LANCZOS)
  assert.deepEqual(await row(12), [0, 2, 7, 0, 0, 54, 201, 255, 255, 248, 253, 255]);
  assert.deepEqual(await row(9), [0, 6, 0, 0, 128, 255, 255, 249, 255]);
  assert.deepEqual(await row(4), [0, 10, 245, 255]);
});

type Encoding = [name: string, encode: (picture: Sharp) => Sharp, mean: number];
const encodings: Encoding[] = [
  ['PNG', (picture) => picture.png(), 0.4],
  ['lossless WebP', (picture) => picture.webp({ lossless: true }), 0.4],
  ['plain JPEG', (picture) => picture.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }), 3],
  [
    'progressive JPEG',
    (picture) => picture.jpeg({ quality: 100, chromaSubsampling: '4:4:4', progressive: true }),
    1,
  ],
];

for (const [name, encode, mean] of encodings) {
  test(`the mirrored ${name} becomes the mirrored picture`, async () => {
    for (const [width, height] of [
      [33, 47],
      [99, 101],
      [203, 333],
      [500, 9],
    ] as const) {
      const picture = opened(scene(width, height));
      const [straight, mirrored] = await Promise.all([
        encode(picture.clone()).toBuffer(),
        encode(picture.clone().flop().flip()).toBuffer(),
      ]);
      for (const fit of ['fill', 'cover'] as const) {
        const size: PictureSize = { width: 50, height: 40, channels: 3, fit };
        const expected = { data: Buffer.from(await decodePicture(straight, size)), width: 50, height: 40 };
        const pixels = await decodePicture(mirrored, size);
        const back = await sharp(pixels, { raw: { width: 50, height: 40, channels: 3 } })
          .flop()
          .flip()
          .raw()
          .toBuffer();
        const found = differenceOf({ ...expected, data: back }, expected);
        assert.ok(found.mean <= mean, `${width} x ${height}, ${fit}: ${JSON.stringify(found)}`);
      }
    }
  });

  test(`a ${name} turned by its EXIF orientation becomes the same as one stored upright`, async () => {
    // What undoes each orientation (EXIF 2.32, tag 0x0112).
    const turns: Record<number, (picture: Sharp) => Sharp> = {
      2: (picture) => picture.flop(),
      3: (picture) => picture.rotate(180),
      4: (picture) => picture.flip(),
      6: (picture) => picture.rotate(270),
      8: (picture) => picture.rotate(90),
    };
    for (const [width, height] of [
      [33, 47],
      [301, 203],
    ] as const) {
      const upright = opened(scene(width, height));
      const plain = await encode(upright.clone()).toBuffer();
      for (const [orientation, turn] of Object.entries(turns)) {
        const stored = await turn(upright.clone()).png().toBuffer();
        const turned = await encode(sharp(stored))
          .withMetadata({ orientation: Number(orientation) })
          .toBuffer();
        for (const fit of fits) {
          const size: PictureSize = { width: 100, height: 80, channels: 3, fit };
          const [a, b] = await Promise.all([plain, turned].map((bytes) => decodePicture(bytes, size)));
          const picture = (data: Uint8Array) => ({ data: Buffer.from(data), width: 100, height: 80 });
          const found = differenceOf(picture(b as Uint8Array), picture(a as Uint8Array));
          const what = `${width} x ${height}, orientation ${orientation}, ${fit}: ${JSON.stringify(found)}`;
          assert.ok(found.mean <= mean, what);
        }
      }
    }
  });

  test(`one channel of a ${name} is luma, equal to Pillow’s convert('L')`, async () => {
    const lumas = { red: 76, lime: 150, blue: 29, '#808080': 128, white: 255, '#c86432': 124 };
    for (const [background, luma] of Object.entries(lumas)) {
      const even = plain(background, 40, 30);
      const bytes = await encode(even).toBuffer();
      for (const [width, height] of [
        [20, 16],
        [40, 30],
        [64, 64],
      ] as const) {
        const pixels = await decodePicture(bytes, { width, height, channels: 1, fit: 'fill' });
        assert.equal(pixels.length, width * height);
        const off = Math.max(...pixels.map((value) => Math.abs(value - luma)));
        assert.ok(off <= (name.includes('JPEG') ? 1 : 0), `${background}: ${pixels[0]}, not ${luma}`);
      }
    }
  });
}

test('an SVG is drawn at the target size, not enlarged', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><path d="M0 0h2v4h-2z"/></svg>';
  const pixels = await decodePicture(Buffer.from(svg), { width: 40, height: 40, channels: 1, fit: 'fill' });
  for (const [at, value] of pixels.entries()) assert.equal(value, at % 40 < 20 ? 0 : 255);
});

test('enlarged transparent edges are white on both sides', async () => {
  // Black that is transparent beside opaque white: nothing but white is to be seen.
  const data = Uint8Array.from(
    [0, 1, 2, 3, 4, 5].flatMap((x) => (x < 3 ? [0, 0, 0, 0] : [255, 255, 255, 255])),
  );
  const png = await sharp(data, { raw: { width: 6, height: 1, channels: 4 } })
    .png()
    .toBuffer();
  const pixels = await decodePicture(png, { width: 50, height: 50, channels: 3, fit: 'fill' });
  assert.ok(pixels.every((value) => value === 255));
});

test('Pillow itself gives the same values', { skip: withoutPackage('PIL') }, async () => {
  const folder = temporaryFolder();
  const tasks: (PictureSize & { file: string })[] = [];
  for (const [width, height] of sources) {
    const file = join(folder, `${width}x${height}.png`);
    await opened(scene(width, height)).png().toFile(file);
    for (const fit of fits)
      for (const channels of [1, 3] as const) tasks.push({ file, width: 64, height: 61, channels, fit });
  }
  writeFileSync(join(folder, 'tasks.json'), JSON.stringify(tasks));
  const answers: string[] = runPython(new URL('./pillow.py', import.meta.url), join(folder, 'tasks.json'));
  for (const [index, task] of tasks.entries()) {
    const expected = Buffer.from(answers[index] as string, 'base64');
    const found = await decodePicture(task.file, task);
    const squares = found.reduce((sum, value, at) => sum + (value - (expected[at] as number)) ** 2, 0);
    const rmse = Math.sqrt(squares / found.length);
    assert.ok(rmse < 2, `${JSON.stringify(task)}: ${rmse}`);
  }
});

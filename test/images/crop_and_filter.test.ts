import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { placement } from '../../src/images/jpeg/codec.ts';
import { resizePixels } from '../../src/images/jpeg/index.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { resizeAll } from '../../src/images/resize.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { differenceOf, pictureOf, smoothPicture } from '../helpers/pixels.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const fits = ['fill', 'cover', 'contain'] as const;
const filters = ['lanczos3', 'bicubic', 'bilinear'] as const;

/** Waves of many lengths, and sharp edges. */
function scene(width: number, height: number) {
  return pictureOf(width, height, (x, y) => {
    if (x > width / 3 && x < width / 2 && y > height / 3 && y < height / 2) return [250, 0, 10];
    const wave = (length: number) => Math.sin(x / length) + Math.cos(y / length + x / (2 * length));
    return [
      128 + 40 * wave(2) + 20 * wave(9),
      120 + 50 * wave(5),
      100 + 30 * wave(width / 7) + 20 * wave(3),
    ].map(Math.round);
  });
}

const sources: [width: number, height: number][] = [
  [1, 1],
  [1, 7],
  [33, 47],
  [99, 101],
  [203, 333],
  [500, 9],
  [320, 240],
  [499, 701],
];

const crops = [1, 0.875, 0.55];

function tasksFor(folder: string, extension: string): (PictureSize & { file: string })[] {
  return sources.flatMap(([width, height]) =>
    fits.flatMap((fit) =>
      crops.flatMap((crop) =>
        filters.map((filter) => ({
          file: join(folder, `${width}x${height}.${extension}`),
          ...{ width: 64, height: 64, channels: 3 as const, fit, crop, filter },
        })),
      ),
    ),
  );
}

async function pillow(folder: string, tasks: object[]): Promise<Buffer[]> {
  writeFileSync(join(folder, 'tasks.json'), JSON.stringify(tasks));
  const answers: string[] = runPython(new URL('./pillow.py', import.meta.url), join(folder, 'tasks.json'));
  return answers.map((answer) => Buffer.from(answer, 'base64'));
}

test('cropped and filtered pixels are Pillow’s, within what it rounds between rows and columns', {
  skip: withoutPackage('PIL'),
}, async () => {
  const folder = temporaryFolder();
  for (const [width, height] of sources) {
    const raw = { width, height, channels: 3 } as const;
    await sharp(scene(width, height).data, { raw })
      .png()
      .toFile(join(folder, `${width}x${height}.png`));
  }
  const tasks = tasksFor(folder, 'png');
  const expected = await pillow(folder, tasks);
  for (const [index, { file, ...size }] of tasks.entries()) {
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const own = { data: Buffer.from(resizePixels({ data, ...info }, size)), width: 64, height: 64 };
    const found = differenceOf(own, { ...own, data: expected[index] as Buffer });
    const what = JSON.stringify({ file, ...size, ...found });
    // Pillow rounds and limits to 0..255 after the columns as well, which shows beside sharp edges.
    assert.ok(found.mean < 0.6 && found.largest <= 30, what);
  }
});

test('decoding a file comes near to Pillow, whatever it shrinks while it decodes', {
  skip: withoutPackage('PIL'),
}, async () => {
  const folder = temporaryFolder();
  for (const [width, height] of sources) {
    const picture = sharp(scene(width, height).data, { raw: { width, height, channels: 3 } });
    const quality = { quality: 100, chromaSubsampling: '4:4:4' };
    await picture
      .clone()
      .png()
      .toFile(join(folder, `${width}x${height}.png`));
    await picture
      .clone()
      .jpeg(quality)
      .toFile(join(folder, `${width}x${height}.plain.jpg`));
    await picture.jpeg({ ...quality, progressive: true }).toFile(join(folder, `${width}x${height}.rare.jpg`));
  }
  // Means of all pixels; the default filter is the fast one, which stays as it is.
  const limits = { png: [1, 0.6], 'rare.jpg': [1.5, 1], 'plain.jpg': [8, 1.5] };
  for (const [extension, [fast, exact]] of Object.entries(limits) as [string, [number, number]][]) {
    const tasks = tasksFor(folder, extension);
    const expected = await pillow(folder, tasks);
    for (const [index, { file, ...size }] of tasks.entries()) {
      const own = { data: Buffer.from(await decodePicture(file, size)), width: 64, height: 64 };
      const { mean } = differenceOf(own, { ...own, data: expected[index] as Buffer });
      assert.ok(mean < (size.filter === 'lanczos3' ? fast : exact), JSON.stringify({ file, ...size, mean }));
    }
  }
});

test('a crop is placed as documented', () => {
  const place = (size: [number, number], target: object) =>
    placement({ width: size[0], height: size[1] }, {
      width: 224,
      height: 224,
      fit: 'cover',
      ...target,
    } as PictureSize);
  const whole = { left: 0, top: 0, width: 224, height: 224 };
  // Resize(256) makes 341 x 256 of 400 x 300, and CenterCrop(224) begins at round(58.5) = 58, halves to even.
  assert.deepEqual(place([400, 300], { crop: 0.875 }), {
    box: {
      left: 58 * (400 / 341),
      top: 18.75,
      width: 224 * (400 / 341),
      height: 262.5,
    },
    inner: whole,
  });
  assert.deepEqual(place([200, 100], { fit: 'fill', crop: 0.5 }), {
    box: { left: 50, top: 25, width: 100, height: 50 },
    inner: whole,
  });
  assert.deepEqual(place([200, 100], { fit: 'contain', crop: 0.5 }), {
    box: { left: 50, top: 25, width: 100, height: 50 },
    inner: { left: 0, top: 56, width: 224, height: 112 },
  });
  for (const fit of fits)
    assert.deepEqual(place([200, 100], { fit, crop: 1 }), place([200, 100], { fit }), fit);
});

test('a crop shows the middle of a picture, enlarged', async () => {
  const edges = pictureOf(80, 80, (x, y) =>
    x < 10 || y < 10 || x >= 70 || y >= 70 ? [255, 0, 0] : [0, 200, 0],
  );
  const png = await sharp(edges.data, { raw: { width: 80, height: 80, channels: 3 } })
    .png()
    .toBuffer();
  for (const fit of fits)
    for (const filter of filters) {
      const size = { width: 30, height: 30, channels: 3, fit, crop: 0.7, filter } as const;
      const pixels = await decodePicture(png, size);
      const [red = 255] = pixels;
      assert.ok(red < 5, `${fit}, ${filter}: ${red}`);
    }
});

test('resized copies are cropped once, whoever reads them', async () => {
  const root = temporaryFolder();
  const picture = smoothPicture(300, 200);
  const raw = { width: 300, height: 200, channels: 3 } as const;
  const folders = { rawData: join(root, 'rawdata'), data: join(root, 'data') };
  await sharp(picture.data, { raw }).png().toFile(join(root, 'a.png'));
  const { mkdirSync, copyFileSync } = await import('node:fs');
  for (const name of ['bat', 'sup']) {
    mkdirSync(join(folders.rawData, name), { recursive: true });
    copyFileSync(join(root, 'a.png'), join(folders.rawData, name, 'a.png'));
    await sharp(picture.data, { raw })
      .jpeg({ quality: 100 })
      .toFile(join(folders.rawData, name, 'b.jpg'));
  }
  const size = { width: 64, height: 64, channels: 3, fit: 'cover', crop: 0.6, filter: 'bicubic' } as const;
  await resizeAll({ ...folders, ...size, workers: 1 });
  const decoded = async (input: string | Buffer, target: PictureSize = size) => ({
    data: Buffer.from(await decodePicture(input, target)),
    width: 64,
    height: 64,
  });
  for (const name of ['a.png', 'b.jpg']) {
    const copy = join(folders.data, 'bat', name.replace('.png', '.png.jpg'));
    const again = await decoded(copy);
    const found = differenceOf(again, await decoded(join(folders.rawData, 'bat', name)));
    assert.ok(found.mean < 1 && found.largest < 8, JSON.stringify(found));
    const { data } = await sharp(copy).raw().toBuffer({ resolveWithObject: true });
    assert.ok(differenceOf(again, { ...again, data }).largest <= 2);
    // As a lossless optimiser of JPEGs leaves it: not plain any more, but with the comment.
    const progressive = Buffer.concat([
      readFileSync(copy).subarray(0, 39),
      (
        await sharp(copy).jpeg({ progressive: true, quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()
      ).subarray(2),
    ]);
    assert.ok(differenceOf(await decoded(progressive), again).mean < 1.5);
  }
  const plainCopy = await resizeAll({ ...folders, ...size, crop: 1, workers: 1 });
  assert.equal(plainCopy.made, 4);
  assert.ok(!readFileSync(join(folders.data, 'bat', 'b.jpg')).includes('bat-sup cropped'));
});

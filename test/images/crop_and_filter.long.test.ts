/** Crops and filters compared with Pillow, on many sizes. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { resizePixels } from '../../src/images/jpeg/index.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { differenceOf, pictureOf } from '../helpers/pixels.ts';
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

test('an SVG of which little is used is not drawn in its whole enlargement', async () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><path fill="red" d="M49 49h2v2h-2z"/></svg>';
  const size = { width: 64, height: 64, channels: 3, fit: 'fill', crop: 0.001 } as const;
  const pixels = await decodePicture(Buffer.from(svg), size);
  assert.ok(pixels.every((value, at) => Math.abs(value - (at % 3 === 0 ? 255 : 0)) <= 1));
});

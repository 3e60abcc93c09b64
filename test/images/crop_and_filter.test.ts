import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { placement } from '../../src/images/jpeg/codec.ts';
import type { PictureSize } from '../../src/images/picture_size.ts';
import { resizeAll } from '../../src/images/resize.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { differenceOf, pictureOf, smoothPicture } from '../helpers/pixels.ts';

const fits = ['fill', 'cover', 'contain'] as const;
const filters = ['lanczos3', 'bicubic', 'bilinear'] as const;

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

test('what is cropped does not depend on which way a picture was stored, or how much of it is decoded', async () => {
  // Sizes with an even rest on either side of the crop, so that the mirrored crop is that of the mirrored picture.
  const size = { width: 50, height: 50, channels: 3, fit: 'cover', crop: 0.8 } as const;
  const [width, height] = [1280, 960];
  const upright = sharp(smoothPicture(width, height).data, { raw: { width, height, channels: 3 } });
  const mirrored = sharp(await upright.clone().flop().png().toBuffer());
  const turned = sharp(await upright.clone().rotate(270).png().toBuffer());
  const decode = async (bytes: Buffer, filter: PictureSize['filter']) => {
    const data = Buffer.from(await decodePicture(bytes, { ...size, filter }));
    return { data, width: 50, height: 50 };
  };
  for (const filter of filters) {
    const expected = await decode(await upright.clone().png().toBuffer(), filter);
    for (const progressive of [false, true]) {
      const jpeg = { quality: 100, chromaSubsampling: '4:2:0', progressive };
      const straight = await decode(await upright.clone().jpeg(jpeg).toBuffer(), filter);
      const orientation = { orientation: 6 };
      const exif = await decode(await turned.clone().jpeg(jpeg).withMetadata(orientation).toBuffer(), filter);
      const back = await decode(await mirrored.clone().jpeg(jpeg).toBuffer(), filter);
      const raw = { width: 50, height: 50, channels: 3 } as const;
      const unmirrored = { ...back, data: await sharp(back.data, { raw }).flop().raw().toBuffer() };
      for (const [what, found] of Object.entries({ straight, exif, unmirrored })) {
        const { largest, mean } = differenceOf(found, expected);
        assert.ok(largest <= 3 && mean < 0.6, JSON.stringify({ filter, progressive, what, largest, mean }));
      }
    }
  }
});

test('resized copies are cropped once, whoever reads them', async () => {
  const root = temporaryFolder();
  const picture = smoothPicture(300, 200);
  const raw = { width: 300, height: 200, channels: 3 } as const;
  const folders = { rawData: join(root, 'rawdata'), data: join(root, 'data') };
  await sharp(picture.data, { raw }).png().toFile(join(root, 'a.png'));
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

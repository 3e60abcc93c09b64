/** The page's resampling against libvips's, which the command line uses for the same pictures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { resample } from '../../../src/formats/web/resample.ts';
import { decodePicture, type PictureSize } from '../../../src/images/decode.ts';
import { evenly } from '../../helpers/network.ts';
import { differenceOf, pictureOf, smoothPicture } from '../../helpers/pixels.ts';

const random = evenly(11);
const noise = (width: number, height: number) =>
  pictureOf(width, height, () => [0, 0, 0].map(() => Math.floor(256 * (random.next().value as number))));

/** How far a value may be off: the largest difference of smooth pictures, the mean difference of noise. */
const cases: [what: string, width: number, height: number, largest: number, mean: number][] = [
  ['of its size', 100, 80, 0, 0],
  ['little larger', 150, 120, 2, 0.5],
  ['larger', 333, 517, 3, 1],
  ['many times as large', 1024, 768, 2, 1],
  ['smaller', 50, 40, 2, 1],
];

for (const [what, width, height, largest, mean] of cases) {
  for (const channels of [3, 1] as const) {
    test(`a picture ${what}, ${channels} channels, is resampled as by libvips`, async () => {
      for (const make of [smoothPicture, noise]) {
        const { data } = make(width, height);
        const png = await sharp(data, { raw: { width, height, channels: 3 } })
          .png()
          .toBuffer();
        for (const fit of ['fill', 'cover', 'contain'] as const) {
          const size: PictureSize = { width: 100, height: 80, channels, fit };
          const own = resample({ pixels: new Uint8Array(data), width, height }, size);
          const theirs = await decodePicture(png, size);
          const picture = (pixels: Uint8Array) => ({ data: Buffer.from(pixels), width: 100, height: 80 });
          const difference = differenceOf(picture(own), picture(theirs));
          const found = `${fit}, ${make.name}: ${JSON.stringify(difference)}`;
          // Grey is rounded in other places.
          const rounding = channels === 1 ? 1 : 0;
          if (make === smoothPicture) assert.ok(difference.largest <= largest + rounding, found);
          else assert.ok(difference.mean <= mean + rounding, found);
        }
      }
    });
  }
}

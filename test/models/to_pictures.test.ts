import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelDescription } from '../../src/models/description.ts';
import { normalisationOf, type Preprocessing, withChannelsReversed } from '../../src/models/preprocessing.ts';
import { toPictures } from '../../src/models/to_pictures.ts';
import { computeOn, machines } from '../engine/every_engine.ts';

/** What networks take all 256 pixels of a channel as, in the order of the channels of `pixels`. */
function convert(pixels: Uint8Array, channels: 1 | 3, preprocessing: Omit<Preprocessing, 'fit'>): number[] {
  const size = { width: 16, height: 16, channels, classes: ['bat', 'sup'] };
  const description = { ...size, architecture: 'article', layers: [] } satisfies ModelDescription;
  const pictures = toPictures(pixels, { description, preprocessing: normalisationOf(preprocessing) });
  assert.deepEqual(pictures.shape, [pixels.length / (256 * channels), 16, 16, channels]);
  const values = [...pictures.dataSync()];
  pictures.dispose();
  return values;
}

const colours = Uint8Array.from({ length: 2 * 256 * 3 }, (_, i) => (i % 256) ^ (i % 3 === 2 ? 255 : 0));
const imageNet = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

for (const machine of machines)
  test(`mean and deviation are exact on ${machine.engine} with ${machine.threads} threads`, async () => {
    await computeOn(machine, () => {
      const expected = [...colours].map((pixel, i) =>
        Math.fround((pixel / 255 - (imageNet.mean[i % 3] as number)) / (imageNet.deviation[i % 3] as number)),
      );
      const found = convert(colours, 3, imageNet);
      // 1 / 255 is rounded itself.
      assert.ok(found.every((value, i) => Math.abs(value - (expected[i] as number)) <= 2 ** -22));
      const lite = { scale: 1, mean: [127, 127, 127], deviation: [128, 128, 128] };
      assert.deepEqual(
        convert(colours, 3, lite),
        [...colours].map((pixel) => (pixel - 127) / 128),
      );
      const grey = colours.subarray(0, 256);
      assert.deepEqual(
        convert(grey, 1, { scale: 1, mean: [100] }),
        [...grey].map((pixel) => pixel - 100),
      );
      assert.deepEqual(
        convert(grey, 1, { scale: 2, deviation: [-4] }),
        [...grey].map((pixel) => pixel / -2 || (pixel === 0 ? -0 : 0)),
      );
    });
  });

test('mean and deviation are in the order of the network’s channels: with bgr, blue comes first', async () => {
  await computeOn({ engine: 'cpu', threads: 1 }, () => {
    const pixel = Uint8Array.from({ length: 256 * 3 }, (_, i) => [10, 20, 30][i % 3] as number);
    const caffe = { scale: 1, order: 'bgr', mean: [1, 2, 3], deviation: [1, 2, 4] } as const;
    const mutable = { ...caffe, mean: [...caffe.mean], deviation: [...caffe.deviation] };
    // Blue 30, green 20, red 10.
    assert.deepEqual(convert(pixel, 3, mutable).slice(0, 3), [29, 9, 1.75]);
    assert.deepEqual(convert(pixel, 3, withChannelsReversed(mutable)).slice(0, 3), [1.75, 9, 29]);
  });
});

test('a normalisation has no keys for what is left at its default', () => {
  assert.equal(JSON.stringify(normalisationOf({ scale: 0.5 })), JSON.stringify({ scale: 0.5, order: 'rgb' }));
});

/** What a file's own metadata say of its pixels is checked, and what its arithmetic does to them is described exactly. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { UserError } from '../../src/errors.ts';
import { affineOf, isNearly } from '../../src/formats/affine.ts';
import type { Network } from '../../src/formats/index.ts';
import { metadataOf, readMetadata } from '../../src/formats/metadata.ts';
import { toRgb } from '../../src/formats/to_rgb.ts';
import { compare, logitsOf, networkOf, picturesFor } from '../helpers/network.ts';

before(() => startEngine('cpu', { threads: 1 }));

const preprocessing: Network['preprocessing'] = {
  fit: 'cover',
  scale: 1 / 255,
  order: 'bgr',
  mean: [0.406, 0.456, 0.485],
  deviation: [0.225, 0.224, 0.229],
  crop: 0.875,
  filter: 'bicubic',
};

test('an input is described in the order of its channels, with its crop, filter and range', () => {
  const network = toRgb({ ...networkOf(), preprocessing });
  const outside = metadataOf(network, { scaledInside: false });
  assert.deepEqual(outside.preprocessing.mean, [0.485, 0.456, 0.406]);
  assert.deepEqual(outside.preprocessing.deviation, [0.229, 0.224, 0.225]);
  assert.equal(
    outside.input.description,
    `RGB pixels, 0..255, times ${1 / 255}, minus 0.485 0.456 0.406, divided by 0.229 0.224 0.225; ` +
      '20 x 28, fit cover, crop 0.875, bicubic',
  );
  const [lowest, highest] = outside.input.range;
  assert.ok(Math.abs(lowest + 0.485 / 0.229) < 1e-9 && Math.abs(highest - (1 - 0.406) / 0.225) < 1e-9);
  assert.deepEqual(outside.input.resize, {
    fit: 'cover',
    filter: 'bicubic',
    background: 'white',
    crop: 0.875,
  });
  const { input } = metadataOf(network, { scaledInside: true });
  assert.deepEqual(input.range, [0, 255]);
  assert.match(input.description, /^RGB pixels, 0\.\.255, normalised inside;/);
  assert.deepEqual(readMetadata(JSON.stringify(outside), 'x')?.preprocessing, outside.preprocessing);
});

test('metadata that contradict themselves are refused in one line', () => {
  const whole = metadataOf({ ...networkOf(), preprocessing }, { scaledInside: true });
  const wrongs: Record<string, unknown>[] = [
    { mean: [1, 2] },
    { mean: 'grey' },
    { mean: [1, 2, Number.NaN] },
    { deviation: [1, 0, 1] },
    { deviation: [1, 1, 1, 1] },
    { crop: 0 },
    { crop: 1.5 },
    { crop: '0.5' },
    { filter: 'nearest' },
    { scale: 0 },
  ];
  for (const wrong of wrongs) {
    const text = JSON.stringify({ ...whole, preprocessing: { ...preprocessing, ...wrong } });
    assert.throws(
      () => readMetadata(text, 'model.onnx'),
      (error) => error instanceof UserError && /^model\.onnx is damaged: [^\n]*$/.test(error.message),
      text,
    );
  }
});

test('a network that reads BGR answers the same once it reads RGB, its mean and deviation with it', () => {
  const network = { ...networkOf(), preprocessing };
  const pixels = picturesFor(network.model, 2);
  const { difference, spread } = compare(logitsOf(network, pixels), logitsOf(toRgb(network), pixels));
  assert.ok(difference < 1e-5 * spread, `${difference} of ${spread}`);
  const grey = networkOf({ ...network.model, layers: undefined, channels: 1 } as never);
  assert.equal(toRgb(grey), grey);
});

test('one factor and offset stand for all channels where they are the same', () => {
  assert.deepEqual(affineOf({ scale: 0.5 }), { factors: [0.5], offsets: [0] });
  const lite = affineOf({ scale: 1, mean: [127, 127, 127], deviation: [128, 128, 128] });
  assert.deepEqual(lite, { factors: [1 / 128], offsets: [-127 / 128] });
  assert.deepEqual(affineOf({ scale: 2, mean: [1, 2, 4] }), { factors: [2], offsets: [-1, -2, -4] });
  assert.ok(
    isNearly({ factors: [Math.fround(0.1)], offsets: [0] }, { factors: [0.1, 0.1, 0.1], offsets: [0, 0, 0] }),
  );
  assert.ok(!isNearly({ factors: [0.1], offsets: [0] }, { factors: [0.1, 0.1001, 0.1], offsets: [0, 0, 0] }));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { confusionMatrixSvg, drawConfusionMatrix } from '../../src/tensorboard/drawings/confusion_matrix.ts';
import { drawFilters } from '../../src/tensorboard/drawings/filters.ts';

test('a confusion matrix shows its counts and the names of its classes', async () => {
  const classes = ['animals', 'food & <drinks>'];
  const matrix = [
    [172, 20],
    [30, 3100],
  ];
  const { svg } = confusionMatrixSvg(matrix, classes);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  for (const expected of ['172', '20', '30', '3100', 'true', 'predicted', 'animals'])
    assert.ok(texts.includes(expected), expected);
  assert.ok(texts.includes('food &#38; &#60;drinks&#62;'));
  const { width, height, files } = await drawConfusionMatrix(matrix, classes);
  const { format, ...size } = await sharp(files[0]).metadata();
  assert.deepEqual([format, size.width, size.height], ['png', width, height]);
});

test('a cell is darker, the larger its share of its row', () => {
  const { svg } = confusionMatrixSvg(
    [
      [0, 4],
      [1, 3],
    ],
    ['a', 'b'],
  );
  const reds = [...svg.matchAll(/rgb\((\d+),/g)].map(([, red]) => Number(red));
  assert.deepEqual(
    reds.map((_, index) => index).sort((a, b) => (reds[b] as number) - (reds[a] as number)),
    [0, 2, 3, 1],
  );
});

test('a confusion matrix of any number of classes is an image of bounded size', async () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 2, maxLength: 60 }), async (classes) => {
      const matrix = classes.map(() => classes.map((_, index) => index * 1000));
      const { width, files } = await drawConfusionMatrix(matrix, classes);
      assert.ok(width < 2200);
      assert.equal((await sharp(files[0]).metadata()).width, width);
    }),
    { numRuns: 15 },
  );
});

test('filters are drawn from their weights', async () => {
  // Two filters of 2 x 2 in colour: the first red at its top left, the second white at its bottom right.
  const weights = new Float32Array(2 * 2 * 3 * 2);
  const at = (y: number, x: number, channel: number, filter: number) =>
    ((y * 2 + x) * 3 + channel) * 2 + filter;
  weights[at(0, 0, 0, 0)] = 1;
  for (const channel of [0, 1, 2]) weights[at(1, 1, channel, 1)] = 1;
  const { width, files } = await drawFilters(weights, [2, 2, 3, 2]);
  const { data } = await sharp(files[0]).raw().toBuffer({ resolveWithObject: true });
  // Ten pixels per weight, and a border of the same width around each filter.
  const colour = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  assert.deepEqual(colour(15, 15), [255, 0, 0]);
  assert.deepEqual(colour(25, 15), [0, 0, 0]);
  assert.deepEqual(colour(35, 15), [255, 255, 255]);
  assert.deepEqual(colour(45, 15), [0, 0, 0]);
  assert.deepEqual(colour(55, 25), [255, 255, 255]);
});

test('filters of one channel, of many channels and of a single weight can be drawn', async () => {
  const shapes = [
    [3, 3, 1, 5],
    [3, 3, 16, 4],
    [1, 1, 3, 1],
  ];
  for (const shape of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    const { width, height, files } = await drawFilters(new Float32Array(size).fill(0.5), shape);
    const { data, info } = await sharp(files[0]).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [width, height]);
    // Where all weights are the same, all are the minimum.
    assert.equal(data[(15 * width + 15) * info.channels], 0);
  }
});

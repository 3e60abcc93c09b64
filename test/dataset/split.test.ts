import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Picture } from '../../src/dataset/scan.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';
import { splitPictures } from '../../src/dataset/split.ts';
import { sourceOf } from '../../src/images/generated.ts';

/** Classes of sources, each with some augmented copies, named as in data/. */
function dataset(copiesOfSources: number[][]): Picture[] {
  return copiesOfSources.flatMap((sources, label) =>
    sources.flatMap((copies, source) => [
      { file: `data/${label}/s${source}.png.jpg`, label, stamp: '' },
      ...Array.from({ length: copies }, (_, copy) => ({
        file: `data/${label}/s${source}.png.aug-000${copy + 1}.jpg`,
        label,
        stamp: '',
      })),
    ]),
  );
}

const classes = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), {
  minLength: 2,
  maxLength: 5,
});

test('every picture is on one side, and a source and its copies on the same', () =>
  fc.assert(
    fc.property(classes, fc.double({ min: 0, max: 0.9, noNaN: true }), fc.nat(), (sources, share, seed) => {
      const pictures = dataset(sources);
      const { train, validation } = splitPictures(pictures, sources.length, share, seed);
      assert.deepEqual(
        [...train, ...validation].sort((a, b) => a - b),
        [...pictures.keys()],
      );
      const sourcesOf = (indexes: number[]) =>
        new Set(indexes.map((index) => sourceOf(pictures[index]?.file ?? '')));
      for (const source of sourcesOf(train)) assert.ok(!sourcesOf(validation).has(source));
    }),
  ));

test('each class gives the same share of its sources', () => {
  const pictures = dataset([Array(50).fill(3), Array(10).fill(0)]);
  const { validation } = splitPictures(pictures, 2, 0.2, 1);
  const count = (label: number) => validation.filter((index) => pictures[index]?.label === label).length;
  assert.deepEqual([count(0), count(1)], [10 * 4, 2]);
});

test('a share of 0 trains on all; a class of one source stays in training', () => {
  const pictures = dataset([[2], [0, 0, 0]]);
  assert.equal(splitPictures(pictures, 2, 0, 1).validation.length, 0);
  const { validation } = splitPictures(pictures, 2, 0.2, 1);
  assert.deepEqual(
    validation.map((index) => pictures[index]?.label),
    [1],
  );
});

test('the seed decides', () => {
  const pictures = dataset([Array(50).fill(0), Array(50).fill(0)]);
  assert.deepEqual(splitPictures(pictures, 2, 0.2, 1), splitPictures(pictures, 2, 0.2, 1));
  assert.notDeepEqual(splitPictures(pictures, 2, 0.2, 1), splitPictures(pictures, 2, 0.2, 2));
});

test('a shuffle keeps every item', () =>
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.string(), (items, seed) => {
      assert.deepEqual(shuffle(items, seed).sort(), [...items].sort());
      assert.deepEqual(shuffle(items, seed), shuffle(items, seed));
    }),
  ));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Picture } from '../../src/dataset/scan.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';
import { fallShort, type Split, type SplitOptions, splitPictures } from '../../src/dataset/split.ts';

/** Classes of sources, each with some augmented copies, named as in data/. */
function dataset(copiesOfSources: number[][]): Picture[] {
  return copiesOfSources.flatMap((sources, label) =>
    sources.flatMap((copies, source) => [
      { file: `data/${label}/s${source}.png.jpg`, label, stamp: '' },
      ...Array.from({ length: copies }, (_, copy) => ({
        file: `data/${label}/s${source}.png.aug-000${copy + 1}.jpg`,
        source: `data/${label}/s${source}.png.jpg`,
        label,
        stamp: '',
      })),
    ]),
  );
}

const anyDataset = fc
  .array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), {
    minLength: 2,
    maxLength: 5,
  })
  .map((sources) => ({ pictures: dataset(sources), classes: sources.length }));

/** A dataset in which some pictures look like an earlier one, of whatever class. */
const lookingAlike = anyDataset.chain(({ pictures, classes }) =>
  fc.record({
    pictures: fc.constant(pictures),
    classes: fc.constant(classes),
    lookalikes: fc.tuple(
      ...pictures.map((_, index) =>
        fc.oneof({ arbitrary: fc.constant(index), weight: 9 }, { arbitrary: fc.nat(index), weight: 1 }),
      ),
    ),
    share: fc.double({ min: 0, max: 0.9, noNaN: true }),
    seed: fc.nat(),
  }),
);

function countsOf(pictures: Picture[], indexes: number[], classes: number): number[] {
  return Array.from(
    { length: classes },
    (_, label) => indexes.filter((index) => pictures[index]?.label === label).length,
  );
}

function sidesOf({ validation }: Split): (index: number) => boolean {
  const held = new Set(validation);
  return (index) => held.has(index);
}

test('every picture is on one side, with its copies and with what looks the same', () =>
  fc.assert(
    fc.property(lookingAlike, ({ pictures, ...options }) => {
      const split = splitPictures(pictures, options);
      assert.deepEqual(
        [...split.train, ...split.validation].sort((a, b) => a - b),
        [...pictures.keys()],
      );
      const isHeld = sidesOf(split);
      const first = new Map<string, number>();
      for (const [index, { file, source: origin = file }] of pictures.entries()) {
        const source = first.get(origin) ?? index;
        first.set(origin, source);
        assert.equal(isHeld(index), isHeld(source));
        assert.equal(isHeld(index), isHeld(options.lookalikes[index] as number));
      }
    }),
  ));

test('the same seed holds back the same, and every class has something to train on', () =>
  fc.assert(
    fc.property(lookingAlike, ({ pictures, ...options }) => {
      const split = splitPictures(pictures, options);
      assert.deepEqual(splitPictures(pictures, options), split);
      assert.ok(countsOf(pictures, split.train, options.classes).every((count) => count > 0));
    }),
  ));

/** The split as it should be for groups within classes: off by less than the class's largest group. */
test('the share of each class is as near as its groups allow', () =>
  fc.assert(
    fc.property(anyDataset, fc.double({ min: 0.1, max: 0.5, noNaN: true }), fc.nat(), (one, share, seed) => {
      const { pictures, classes } = one;
      const { validation } = splitPictures(pictures, { classes, share, seed });
      const held = countsOf(pictures, validation, classes);
      const all = countsOf(pictures, [...pictures.keys()], classes);
      for (let label = 0; label < classes; label++) {
        const groups = groupBySource(ofClass(pictures, label));
        const largest = Math.max(...groups.map((group) => group.length));
        const off = Math.abs((held[label] as number) - (all[label] as number) * share);
        assert.ok(off <= largest, `${held[label]} of ${all[label]} for ${share}, largest group ${largest}`);
        assert.equal((held[label] as number) > 0, groups.length > 1);
      }
    }),
  ));

function ofClass(pictures: Picture[], label: number): string[] {
  return pictures.filter((picture) => picture.label === label).map(({ file }) => file);
}

function groupBySource(files: string[]): string[][] {
  const groups = new Map<string, string[]>();
  const sourceOf = (file: string) => file.replace(/\.aug-\d+/, '');
  for (const file of files) groups.set(sourceOf(file), [...(groups.get(sourceOf(file)) ?? []), file]);
  return [...groups.values()];
}

const cases: {
  what: string;
  sources: number[][];
  /** Pictures that look like picture 0. */
  alike?: number[];
  options?: Partial<SplitOptions>;
  held: number[];
}[] = [
  { what: 'groups of one size', sources: [Array(50).fill(3), Array(10).fill(0)], held: [40, 2] },
  { what: 'a share of 0', sources: [[2], [0, 0, 0]], options: { share: 0 }, held: [0, 0] },
  { what: 'a class of one source', sources: [[2], [0, 0, 0]], held: [0, 1] },
  {
    what: 'a class of two sources',
    sources: [
      [9, 9],
      [0, 0],
    ],
    held: [10, 1],
  },
  {
    what: 'one large group among small ones',
    sources: [
      [99, ...Array(100).fill(0)],
      [0, 0],
    ],
    held: [40, 1],
  },
  {
    what: 'large groups only',
    sources: [
      [49, 49, 49, 49],
      [0, 0],
    ],
    held: [50, 1],
  },
  {
    what: 'all of a class alike',
    sources: [
      [0, 0, 0],
      [0, 0],
    ],
    alike: [0, 1, 2],
    held: [0, 1],
  },
  {
    what: 'all alike over the classes',
    sources: [
      [0, 0],
      [0, 0],
    ],
    alike: [0, 1, 2, 3],
    held: [0, 0],
  },
];

for (const { what, sources, alike = [], options = {}, held } of cases) {
  test(`${what}: ${held.join(' and ')} are held back`, () => {
    const pictures = dataset(sources);
    const lookalikes = pictures.map((_, index) => (alike.includes(index) ? 0 : index));
    for (let seed = 0; seed < 20; seed++) {
      const all = { classes: 2, share: 0.2, seed, lookalikes, ...options };
      assert.deepEqual(countsOf(pictures, splitPictures(pictures, all).validation, 2), held);
    }
  });
}

test('the seed decides', () => {
  const pictures = dataset([Array(50).fill(0), Array(50).fill(0)]);
  const options = { classes: 2, share: 0.2, seed: 1 };
  assert.notDeepEqual(splitPictures(pictures, options), splitPictures(pictures, { ...options, seed: 2 }));
});

test('a class that falls far short of its share is named', () => {
  const pictures = dataset([[9], Array(10).fill(0)]);
  const options = { classes: 2, share: 0.2, seed: 1 };
  assert.deepEqual(fallShort(pictures, splitPictures(pictures, options), options), [{ label: 0, held: 0 }]);
});

test('a shuffle keeps every item', () =>
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.string(), (items, seed) => {
      assert.deepEqual(shuffle(items, seed).sort(), [...items].sort());
      assert.deepEqual(shuffle(items, seed), shuffle(items, seed));
    }),
  ));

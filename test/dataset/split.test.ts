import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Picture } from '../../src/dataset/scan.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';
import {
  type Side,
  type Split,
  type SplitOptions,
  splitPictures,
  underrepresented,
} from '../../src/dataset/split.ts';

/** Classes of sources, each with some augmented copies, named as in data/. */
function dataset(copiesOfSources: number[][]): Picture[] {
  return copiesOfSources.flatMap((sources, label) =>
    sources.flatMap((copies, source) => {
      const file = `data/${label}/s${source}.png.jpg`;
      return [
        { file, label, stamp: '' },
        ...Array.from({ length: copies }, (_, copy) => ({
          file: `data/${label}/s${source}.png.aug-000${copy + 1}.jpg`,
          label,
          stamp: '',
          copyOf: file,
        })),
      ];
    }),
  );
}

const anyDataset = fc
  .array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), {
    minLength: 2,
    maxLength: 5,
  })
  .map((sources) => ({ pictures: dataset(sources), classes: sources.length }));

/** A dataset in which some pictures look like an earlier one, of any class. */
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

const isOwn = ({ copyOf }: Picture) => copyOf === undefined;

/** Pictures of each class that augment did not make. */
function countsOf(pictures: Picture[], indexes: Iterable<number>, classes: number): number[] {
  const labels = [...indexes].map((index) => pictures[index] as Picture).filter(isOwn);
  return Array.from({ length: classes }, (_, label) => labels.filter((one) => one.label === label).length);
}

function sideIn({ train, validation }: Split): (index: number) => Side | undefined {
  const [trained, held] = [new Set(train), new Set(validation)];
  return (index) => (trained.has(index) ? 'train' : held.has(index) ? 'validation' : undefined);
}

test('a picture is on one side with its lookalikes; only its copies may be on neither', () =>
  fc.assert(
    fc.property(lookingAlike, ({ pictures, ...options }) => {
      const sideOf = sideIn(splitPictures(pictures, options));
      const places = new Map(pictures.map(({ file }, index) => [file, index]));
      for (const [index, { copyOf }] of pictures.entries()) {
        if (copyOf === undefined) {
          assert.ok(sideOf(index));
          const alike = options.lookalikes[index] as number;
          if (isOwn(pictures[alike] as Picture)) assert.equal(sideOf(index), sideOf(alike));
        } else {
          const isTrained = sideOf(places.get(copyOf) as number) === 'train';
          assert.equal(sideOf(index), isTrained ? 'train' : undefined);
        }
      }
    }),
  ));

test('the same seed holds back the same pictures, and every class has some to train on', () =>
  fc.assert(
    fc.property(lookingAlike, ({ pictures, ...options }) => {
      const split = splitPictures(pictures, options);
      assert.deepEqual(splitPictures(pictures, options), split);
      assert.ok(countsOf(pictures, split.train, options.classes).every((count) => count > 0));
    }),
  ));

test('about the validation share of each class’s own pictures is held back, however many copies they have', () =>
  fc.assert(
    fc.property(anyDataset, fc.double({ min: 0.1, max: 0.5, noNaN: true }), fc.nat(), (one, share, seed) => {
      const { pictures, classes } = one;
      const { validation } = splitPictures(pictures, { classes, share, seed });
      const held = countsOf(pictures, validation, classes);
      assert.equal(
        held.reduce((sum, count) => sum + count),
        validation.length,
      );
      for (const [label, count] of countsOf(pictures, pictures.keys(), classes).entries()) {
        const wanted = count > 1 ? Math.max(1, count * share) : 0;
        const off = Math.abs((held[label] as number) - wanted);
        assert.ok(off <= Math.max(0.5, wanted / 4), `${held[label]} of ${count} for ${share}`);
        assert.equal((held[label] as number) > 0, count > 1);
      }
    }),
  ));

/** Which files are held back. */
function heldOf(pictures: Picture[], options: Partial<SplitOptions> = {}): Set<string> {
  const { validation } = splitPictures(pictures, { classes: 2, share: 0.2, seed: 1, ...options });
  return new Set(validation.map((index) => pictures[index]?.file as string));
}

test('when pictures are added, removed and renamed, the others stay on their sides', () => {
  const own = (count: number) =>
    dataset([Array(count).fill(0), Array(100).fill(0)]).map((picture, index) => ({
      ...picture,
      digest: `${picture.label} ${index < count ? index : index - count}`,
    }));
  const before = heldOf(own(100));
  const moved = (after: Set<string>) => [...before].filter((file) => !after.has(file));
  assert.deepEqual(moved(heldOf(own(101))), []);
  assert.deepEqual(moved(heldOf(own(130))), []);
  const [first] = before;
  const without = own(100).filter(({ file }) => file !== first);
  assert.deepEqual(moved(heldOf(without)), [first]);
  const renamed = own(100).map((picture) => ({
    ...picture,
    file: picture.file.replace('/s', '/a new name '),
  }));
  const again = [...heldOf(renamed)].map((file) => file.replace('/a new name ', '/s'));
  assert.deepEqual(new Set(again), before);
});

test('in a small class at most one other picture changes its side when one is added', () => {
  for (let seed = 0; seed < 200; seed++) {
    const before = heldOf(dataset([Array(10).fill(0), Array(8).fill(0)]), { seed });
    const after = heldOf(dataset([Array(11).fill(0), Array(8).fill(0)]), { seed });
    const differing = [...before].filter((file) => !after.has(file)).length;
    const gained = [...after].filter((file) => !before.has(file) && !file.endsWith('/s10.png.jpg')).length;
    assert.ok(differing + gained <= 1, `seed ${seed}: ${differing} left, ${gained} came`);
  }
});

test('pictures stay on their sides, and new ones join their lookalikes', () =>
  fc.assert(
    fc.property(
      lookingAlike,
      fc.infiniteStream(fc.constantFrom<Side | undefined>('train', 'validation', undefined)),
      ({ pictures, ...options }, stream) => {
        fc.pre(options.share > 0);
        const chosen = new Map(pictures.filter(isOwn).map(({ file }) => [file, stream.next().value]));
        const sides = pictures.map(({ file, copyOf }) => chosen.get(copyOf ?? file));
        const sideOf = sideIn(splitPictures(pictures, { ...options, sides }));
        for (const [index, picture] of pictures.entries()) {
          const side = isOwn(picture) || sides[index] === 'train' ? sides[index] : undefined;
          if (sides[index]) assert.equal(sideOf(index), side);
          const alike = options.lookalikes[index] as number;
          const areOwn = isOwn(picture) && isOwn(pictures[alike] as Picture);
          // A new picture is never trained on while a lookalike is held back, nor the other way round.
          if (areOwn && !sides[index] && sides[alike])
            assert.notEqual(sideOf(index), sides[alike] === 'train' ? 'validation' : 'train');
        }
      },
    ),
  ));

test('a picture that looks like pictures on both sides is on neither', () => {
  const pictures = dataset([
    [1, 1, 1],
    [0, 0],
  ]);
  const sides: (Side | undefined)[] = ['train', 'train', 'validation', 'validation', undefined, undefined];
  const lookalikes = [0, 1, 0, 3, 0, 5, 6, 7];
  const split = splitPictures(pictures, { classes: 2, share: 0.4, seed: 1, lookalikes, sides });
  const sideOf = sideIn(split);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(sideOf), [
    'train',
    'train',
    'validation',
    undefined,
    undefined,
    undefined,
  ]);
});

const cases: {
  what: string;
  /** Pictures of each class. */
  own: [number, number];
  /** How many of the first, in turn, look alike. */
  alike?: number[];
  options?: Partial<SplitOptions>;
  /** At least and at most. */
  held: [[number, number], [number, number]];
}[] = [
  {
    what: 'single pictures',
    own: [50, 10],
    held: [
      [7, 13],
      [1, 3],
    ],
  },
  {
    what: 'a share of 0',
    own: [2, 3],
    options: { share: 0 },
    held: [
      [0, 0],
      [0, 0],
    ],
  },
  {
    what: 'a class of one picture',
    own: [1, 3],
    held: [
      [0, 0],
      [1, 2],
    ],
  },
  {
    what: 'a class of two groups',
    own: [20, 2],
    alike: [10, 10],
    held: [
      [10, 10],
      [1, 1],
    ],
  },
  {
    what: 'one large group among single ones',
    own: [200, 2],
    alike: [100],
    held: [
      [30, 50],
      [1, 1],
    ],
  },
  {
    what: 'large groups only',
    own: [200, 2],
    alike: [50, 50, 50, 50],
    held: [
      [50, 50],
      [1, 1],
    ],
  },
  {
    what: 'all of a class alike',
    own: [3, 2],
    alike: [3],
    held: [
      [0, 0],
      [1, 1],
    ],
  },
  {
    what: 'all alike over the classes',
    own: [2, 2],
    alike: [4],
    held: [
      [0, 0],
      [0, 0],
    ],
  },
];

for (const { what, own, alike = [], options = {}, held } of cases) {
  test(`of ${what} ${held.map(([least, most]) => `${least} to ${most}`).join(' and ')} are held back`, () => {
    const pictures = dataset(own.map((count) => Array(count).fill(0)));
    const lookalikes = [...pictures.keys()];
    let start = 0;
    for (const count of alike) {
      lookalikes.fill(start, start, start + count);
      start += count;
    }
    for (let seed = 0; seed < 20; seed++) {
      const all = { classes: 2, share: 0.2, seed, lookalikes, ...options };
      const counts = countsOf(pictures, splitPictures(pictures, all).validation, 2);
      for (const [label, [least, most]] of held.entries()) {
        const count = counts[label] as number;
        assert.ok(count >= least && count <= most, `seed ${seed}: ${count} of class ${label}`);
      }
    }
  });
}

test('the same file under two names is on one side, with and without comparing looks', () => {
  for (let seed = 0; seed < 50; seed++) {
    const pictures = dataset([Array(9).fill(0), Array(9).fill(0)]).map((picture, index) => ({
      ...picture,
      digest: String(index % 9),
    }));
    const sideOf = sideIn(splitPictures(pictures, { classes: 2, share: 0.3, seed }));
    for (let index = 0; index < 9; index++) assert.equal(sideOf(index), sideOf(index + 9));
  }
});

test('the seed decides', () => {
  const pictures = dataset([Array(50).fill(0), Array(50).fill(0)]);
  assert.notDeepEqual(heldOf(pictures), heldOf(pictures, { seed: 2 }));
});

test('a class far below its share is reported', () => {
  const pictures = dataset([[9], Array(10).fill(0)]);
  const options = { classes: 2, share: 0.2, seed: 1 };
  assert.deepEqual(underrepresented(pictures, splitPictures(pictures, options), options), [
    { label: 0, held: 0 },
  ]);
});

test('a shuffle keeps every item', () =>
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.string(), (items, seed) => {
      assert.deepEqual(shuffle(items, seed).sort(), [...items].sort());
      assert.deepEqual(shuffle(items, seed), shuffle(items, seed));
    }),
  ));

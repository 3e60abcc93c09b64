import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { classes } from '../../demo/concepts.ts';
import { openDrawings } from '../../demo/makers.ts';
import { photograph } from '../../demo/pictures.ts';
import { heldOutMaker, splitDrawings } from '../../demo/split.ts';

const split = splitDrawings('1');

test('nothing is learnt from the held-out maker, nor of the held-out concepts', () => {
  assert.ok(split.rawdata.every(({ maker }) => maker !== heldOutMaker));
  assert.ok([...split.seen, ...split.unseen].every(({ maker }) => maker === heldOutMaker));
  const taught = new Set(split.rawdata.map(({ concept }) => concept));
  assert.ok(split.seen.every(({ concept }) => taught.has(concept)));
  assert.ok(split.unseen.every(({ concept }) => !taught.has(concept)));
  assert.ok(split.unseen.some(({ concept }) => concept === 'bat'));
});

test('there is enough of each class, and about as much of the one as of the other', () => {
  for (const [place, least] of [
    ['rawdata', 200],
    ['seen', 70],
    ['unseen', 20],
  ] as const) {
    const counts = classes.map((name) => split[place].filter(({ className }) => className === name).length);
    assert.ok(Math.min(...counts) >= least, `${place}: ${counts}`);
    assert.ok(Math.max(...counts) <= 1.3 * Math.min(...counts), `${place}: ${counts}`);
  }
});

test('a picture depends on the drawing and the seed alone', async () => {
  const drawing = openDrawings('noto')('bat');
  const [a, b, c] = await Promise.all(['1', '1', '2'].map((seed) => photograph(drawing, seedrandom(seed))));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});

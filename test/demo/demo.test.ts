import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { classes } from '../../demo/concepts.ts';
import { openDrawings } from '../../demo/designers.ts';
import { photograph } from '../../demo/pictures.ts';
import { heldOutDesigner, splitDrawings } from '../../demo/split.ts';

const split = splitDrawings('1');

test('no drawing of the held-out designer or of a held-out concept is for training', () => {
  assert.ok(split.rawdata.every(({ designer }) => designer !== heldOutDesigner));
  assert.ok([...split.seen, ...split.unseen].every(({ designer }) => designer === heldOutDesigner));
  const taught = new Set(split.rawdata.map(({ concept }) => concept));
  assert.ok(split.seen.every(({ concept }) => taught.has(concept)));
  assert.ok(split.unseen.every(({ concept }) => !taught.has(concept)));
  assert.ok(split.unseen.some(({ concept }) => concept === 'bat'));
});

test('each class has enough drawings, and about as many as the other', () => {
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

test('a picture depends only on the drawing and the seed', async () => {
  const drawing = openDrawings('noto')('bat');
  const [a, b, c] = await Promise.all(['1', '1', '2'].map((seed) => photograph(drawing, seedrandom(seed))));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { rankToLabel } from '../../src/suggest/rank.ts';

let engine: Engine;
before(async () => {
  engine = await startEngine('cpu', { threads: 1 });
});
after(() => engine.dispose());

const length = 8;

/** Rows close to the axis of their group. */
function rowsOf(groups: number[], seed = 'rows'): Float32Array {
  const random = seedrandom(seed);
  return Float32Array.from(
    { length: groups.length * length },
    (_, at) => (at % length === groups[Math.floor(at / length)] ? 10 : 0) + 0.3 * normal(random),
  );
}

const ones = (count: number) => new Float64Array(count).fill(1);
const none = new Float32Array();

test('the first suggestions are of different groups, the largest first, and no two alike', async () => {
  const groups = [...Array(9).fill(0), ...Array(6).fill(1), ...Array(4).fill(2), ...Array(2).fill(3)];
  const features = rowsOf(groups);
  // Copies of the first picture of group 0.
  for (const copy of [3, 5, 8]) features.copyWithin(copy * length, 0, length);
  const chosen = await rankToLabel(
    { features, labelled: none, length, uncertainties: ones(groups.length) },
    8,
  );
  assert.deepEqual(
    chosen.slice(0, 4).map((row) => groups[row]),
    [0, 1, 2, 3],
  );
  assert.ok(chosen.filter((row) => [0, 3, 5, 8].includes(row)).length <= 1, String(chosen));
  assert.equal(new Set(chosen).size, 8);
});

test('groups that have labels come later', async () => {
  const groups = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];
  const labelled = rowsOf([0, 0], 'labelled');
  const chosen = await rankToLabel(
    { features: rowsOf(groups), labelled, length, uncertainties: ones(groups.length) },
    2,
  );
  assert.deepEqual(
    chosen.map((row) => groups[row]),
    [1, 2],
  );
});

test('the uncertain ones count more', async () => {
  const groups = [0, 0, 0, 0, 0, 1, 1, 1];
  const uncertainties = groups.map((group) => (group === 1 ? 1 : 0.05));
  const chosen = await rankToLabel({ features: rowsOf(groups), labelled: none, length, uncertainties }, 1);
  assert.equal(groups[chosen[0] as number], 1);
});

test('all are ranked where more are wanted than there are, and none of none', async () => {
  const features = rowsOf([0, 1, 2]);
  const all = await rankToLabel({ features, labelled: none, length, uncertainties: ones(3) }, 10);
  assert.deepEqual(all.sort(), [0, 1, 2]);
  assert.deepEqual(await rankToLabel({ features: none, labelled: none, length, uncertainties: [] }, 5), []);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { suspicionsOf } from '../../src/labels/suspicions.ts';
import { nearestRows } from '../../src/transfer/nearest_rows.ts';

let engine: Engine;
before(async () => {
  engine = await startEngine('cpu', { threads: 1 });
});
after(() => engine.dispose());

const length = 12;
const classes = 3;

/** Normal features around the centre of each row's true class. */
function featuresOf(truth: number[], seed: string): Float32Array {
  const random = seedrandom(seed);
  const centres = Float32Array.from({ length: classes * length }, () => 1.5 * normal(random));
  return Float32Array.from(
    { length: truth.length * length },
    (_, at) =>
      5 +
      normal(random) +
      (centres[(truth[Math.floor(at / length)] as number) * length + (at % length)] as number),
  );
}

const cycle = (count: number) => Array.from({ length: count }, (_, row) => row % classes);
const apart = (count: number) => Array.from({ length: count }, (_, row) => row);

test('labels that were exchanged are the first in the list, with the right class', async () => {
  const truth = cycle(90);
  const exchanged = [4, 17, 40, 65, 81];
  const labels = truth.map((label, row) => (exchanged.includes(row) ? (label + 1) % classes : label));
  const data = { features: featuresOf(truth, 'exchanged'), length, labels, groups: apart(90), classes };
  const found = await suspicionsOf(data, { seed: 1, threads: 1 });
  assert.equal(found.length, 90);
  const first = found.slice(0, 5);
  assert.deepEqual(
    first.map(({ picture }) => picture).sort((a, b) => a - b),
    exchanged,
  );
  for (const { picture, probability, likeliest } of first) {
    assert.equal(likeliest.label, truth[picture]);
    assert.ok(probability < 0.1 && likeliest.probability > 0.8, `${probability} ${likeliest.probability}`);
  }
});

test('pictures that look the same do not vouch for each other', async () => {
  const truth = cycle(60);
  const features = featuresOf(truth, 'copies');
  // Five copies of one picture, all with the same wrong label.
  const copies = [0, 12, 24, 36, 48];
  for (const row of copies) features.copyWithin(row * length, 0, length);
  const labels = truth.map((label, row) => (copies.includes(row) ? 1 : label));
  const groups = apart(60).map((row) => (copies.includes(row) ? 0 : row));
  const [together, alone] = [groups, apart(60)].map((some) =>
    suspicionsOf({ features, length, labels, groups: some, classes }, { seed: 1, threads: 1 }),
  );
  const of = async (list: ReturnType<typeof suspicionsOf> | undefined) =>
    ((await list) ?? []).find(({ picture }) => picture === 24)?.probability as number;
  assert.ok((await of(together)) < 0.1, `${await of(together)}`);
  assert.ok((await of(alone)) > 0.5, `${await of(alone)}`);
});

test('a class with a single picture, or a single group of them, is not judged', async () => {
  const labels = [...cycle(30).map((label) => label % 2), 2, 2];
  const groups = [...apart(30), 30, 30];
  const data = { features: featuresOf(labels, 'single'), length, labels, groups, classes };
  const found = await suspicionsOf(data, { seed: 1, threads: 1 });
  assert.deepEqual(
    found.map(({ picture }) => picture).sort((a, b) => a - b),
    apart(30),
  );
});

test('neighbours are those with the largest cosines around the mean, in blocks of any size', async () => {
  const rows = 40;
  const features = featuresOf(cycle(rows), 'neighbours');
  const groups = apart(rows).map((row) => (row < 3 ? 0 : row));
  const found = await nearestRows({ features, length }, { count: 4, groups });
  const mean = Array.from(
    { length },
    (_, j) => apart(rows).reduce((sum, row) => sum + (features[row * length + j] as number), 0) / rows,
  );
  const centred = apart(rows).map((row) =>
    mean.map((value, j) => (features[row * length + j] as number) - value),
  );
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
  const cosine = (a: number[], b: number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  for (const row of apart(rows)) {
    const others = apart(rows).filter((other) => groups[other] !== groups[row]);
    const wanted = others
      .map((other) => ({ row: other, cosine: cosine(centred[row] as number[], centred[other] as number[]) }))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, 4);
    assert.deepEqual(
      found[row]?.map((one) => one.row),
      wanted.map((one) => one.row),
    );
    for (const [at, one] of wanted.entries())
      assert.ok(Math.abs((found[row]?.[at]?.cosine as number) - one.cosine) < 1e-5);
  }
});

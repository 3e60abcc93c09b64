import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { conformalLimit, fitRejection, nearestByClass, picturesNeeded } from '../../src/unknown/fit.ts';
import { chooseReferences, quantise } from '../../src/unknown/quantise.ts';
import { unitRows } from '../../src/unknown/references.ts';
import { distancesOf } from '../../src/unknown/rejection.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { rowsOf } from './rows.ts';

const sizes = { length: 40, classes: 4 };
const share = 0.1;

function near(actual: ArrayLike<number>, expected: number[], what: string, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length, what);
  for (const [at, value] of expected.entries())
    assert.ok(
      Math.abs((actual[at] as number) - value) <= tolerance,
      `${what}[${at}]: ${actual[at]}, not ${value}`,
    );
}

/** A matrix as a list of rows. */
const listed = (values: Float32Array, length: number) =>
  Array.from({ length: values.length / length }, (_, row) => [
    ...values.subarray(row * length, (row + 1) * length),
  ]);

async function fitted() {
  const engine = await startEngine('wasm', { threads: 1 });
  const train = rowsOf('train', 120, sizes);
  const validation = rowsOf('validation', 61, sizes);
  const fit = fitRejection({ ...sizes, train, validation, share });
  const references = unitRows(fit.references);
  const byClass = nearestByClass(validation.features, { ...sizes, references, labels: train.labels });
  await engine.dispose();
  return { train, validation, fit, references, byClass };
}

test('distances, limit and trade-off are those of scikit-learn', {
  skip: withoutPackage('sklearn'),
}, async () => {
  const { train, validation, fit, references, byClass } = await fitted();
  const { distanceFactor, doubtFactor } = fit.factors;
  const { leftOut, pictures, rejected } = fit;
  assert.ok(leftOut);
  const file = join(temporaryFolder(), 'task.json');
  const task = {
    references: listed(references, sizes.length),
    referenceLabels: train.labels,
    features: listed(validation.features, sizes.length),
    labels: validation.labels,
    logits: listed(validation.logits, sizes.classes),
    factors: [distanceFactor, doubtFactor],
    share,
    shares: leftOut.tradeOff.map((one) => one.rejected),
  };
  writeFileSync(file, JSON.stringify(task));
  const theirs = runPython(new URL('scikit_learn.py', import.meta.url), file);

  for (const [label, column] of theirs.byClass.entries())
    near(
      byClass.filter((_, at) => at % sizes.classes === label),
      column,
      `nearest of class ${label}`,
    );
  const cosines = validation.labels.map((_, picture) =>
    Math.max(...byClass.subarray(picture * sizes.classes, (picture + 1) * sizes.classes)),
  );
  near(distancesOf(fit.factors, cosines, validation.logits), theirs.distances, 'distance', 1e-4);
  const [distanceSpread, doubtSpread] = theirs.deviations;
  near([distanceFactor / doubtFactor], [doubtSpread / distanceSpread], 'both parts count alike', 1e-3);
  assert.equal(pictures, 61);
  assert.equal(rejected, theirs.distances.filter((distance: number) => distance > 1).length);
  near(
    [
      conformalLimit(
        cosines.map((cosine) => 1 - cosine),
        share,
      ),
    ],
    [theirs.quantile],
    'limit',
  );

  near(
    [leftOut.rocAuc, leftOut.softmaxRocAuc],
    [theirs.leftOut.rocAuc, theirs.leftOut.softmaxRocAuc],
    'ROC-AUC',
  );
  near(
    leftOut.tradeOff.map(({ caught }) => caught),
    theirs.leftOut.caught,
    'caught',
  );
});

test('at most the share of unseen known pictures is rejected, on average over draws', async () => {
  const engine = await startEngine('wasm', { threads: 1 });
  const train = rowsOf('train', 120, sizes);
  const shares = Array.from({ length: 60 }, (_, draw) => {
    const fit = fitRejection({ ...sizes, train, validation: rowsOf(`validation ${draw}`, 30, sizes), share });
    const unseen = rowsOf(`unseen ${draw}`, 200, sizes);
    const references = unitRows(fit.references);
    const byClass = nearestByClass(unseen.features, { ...sizes, references, labels: train.labels });
    const cosines = unseen.labels.map((_, picture) =>
      Math.max(...byClass.subarray(picture * sizes.classes, (picture + 1) * sizes.classes)),
    );
    const distances = distancesOf(fit.factors, cosines, unseen.logits);
    return distances.filter((distance) => distance > 1).length / unseen.labels.length;
  });
  await engine.dispose();
  const mean = shares.reduce((sum, one) => sum + one, 0) / shares.length;
  // Conformal prediction promises floor(31 * 0.1) / 31 = 0.0968 at most; the standard error is about 0.007.
  assert.ok(mean < 0.1 + 0.02 && mean > 0.05, String(mean));
});

test('the limit of few pictures is their largest distance', () => {
  assert.deepEqual([0.05, 0.1, 0.2, 0.3].map(picturesNeeded), [19, 9, 4, 3]);
  assert.equal(conformalLimit([3, 1, 2], 0.05), 3);
  const nineteen = Array.from({ length: 19 }, (_, at) => at + 1);
  assert.equal(conformalLimit(nineteen, 0.05), 19);
  assert.equal(conformalLimit([...nineteen, ...nineteen.map((one) => one + 19)], 0.05), 38);
  assert.equal(conformalLimit([...nineteen, 20, 21], 0.1), 20);
});

test('stored rows keep their directions, and rows of zeros stay so', () => {
  const features = Float32Array.of(1, -2, 0.5, 0, 0, 0, 1e-30, 0, 0);
  const { rows } = quantise(features, 3);
  assert.deepEqual([...rows], [64, -127, 32, 0, 0, 0, 127, 0, 0]);
  const unit = unitRows({ rows, length: 3 });
  const norm = Math.hypot(64, 127, 32);
  near(unit, [64 / norm, -127 / norm, 32 / norm, 0, 0, 0, 1, 0, 0], 'unit rows', 1e-7);
});

test('of many pictures a part is kept, the same one for a seed', () => {
  const all = Array.from({ length: 10_000 }, (_, at) => at);
  const some = chooseReferences(all, 100, 1);
  assert.equal(some.length, 2048);
  assert.equal(new Set(some).size, 2048);
  assert.deepEqual(some, chooseReferences(all, 100, 1));
  assert.notDeepEqual(some, chooseReferences(all, 100, 2));
  assert.equal(chooseReferences(all, 2 ** 21, 1).length, 4);
});

test('a single class, and pictures that are all alike, can be fitted', async () => {
  const engine = await startEngine('wasm', { threads: 1 });
  const one = rowsOf('one', 12, { length: 5, classes: 1 });
  const fit = fitRejection({
    length: 5,
    classes: 1,
    train: one,
    validation: rowsOf('two', 9, { length: 5, classes: 1 }),
    share,
  });
  assert.equal(fit.factors.doubtFactor, 0);
  assert.equal(fit.leftOut, undefined);
  const same = {
    features: new Float32Array(10).fill(1),
    labels: [0, 1],
    logits: Float32Array.of(1, 0, 1, 0),
  };
  const alike = fitRejection({ length: 5, classes: 2, train: same, validation: same, share });
  assert.ok(Number.isFinite(alike.factors.distanceFactor));
  assert.equal(alike.rejected, 0);
  await engine.dispose();
});

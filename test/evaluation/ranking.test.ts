import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { areasUnder, rank } from '../../src/evaluation/ranking.ts';

const areas = (scores: number[], labels: boolean[], weights?: number[]) =>
  areasUnder(
    rank(Float64Array.from(scores), (picture) => labels[picture] as boolean),
    weights,
  );

test('areas by hand', () => {
  // Ranked: positive, negative, positive, negative. Three of the four pairs are in order.
  const { rocAuc, averagePrecision } = areas([0.9, 0.8, 0.7, 0.1], [true, false, true, false]) as {
    rocAuc: number;
    averagePrecision: number;
  };
  assert.equal(rocAuc, 0.75);
  assert.equal(averagePrecision, 0.5 * 1 + 0.5 * (2 / 3));
});

test('a constant score has a ROC area of 0.5, and the share of the class as average precision', () => {
  const same = areas([0.5, 0.5, 0.5, 0.5], [true, false, false, false]);
  assert.deepEqual(same, { rocAuc: 0.5, averagePrecision: 0.25 });
});

test('with one class only there is no area', () => {
  assert.equal(areas([0.1, 0.2], [true, true]), undefined);
  assert.equal(areas([0.1, 0.2], [false, false]), undefined);
  assert.equal(areas([], []), undefined);
});

const picture = fc.record({
  score: fc.integer({ min: 0, max: 8 }),
  label: fc.boolean(),
  weight: fc.integer({ min: 0, max: 3 }),
});
const pictures = fc.array(picture, { minLength: 1, maxLength: 40 });

test('the ROC area is the share of pairs in order, ties counting half', () => {
  fc.assert(
    fc.property(pictures, (list) => {
      const [positives, negatives] = [true, false].map((label) => list.filter((one) => one.label === label));
      const pairs = (positives ?? []).flatMap((a) =>
        (negatives ?? []).map((b) => ({
          order: a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0,
          weight: a.weight * b.weight,
        })),
      );
      const total = pairs.reduce((sum, { weight }) => sum + weight, 0);
      const found = areas(
        list.map(({ score }) => score),
        list.map(({ label }) => label),
        list.map(({ weight }) => weight),
      );
      if (total === 0) return assert.equal(found, undefined);
      const expected = pairs.reduce((sum, { order, weight }) => sum + order * weight, 0) / total;
      assert.ok(Math.abs((found?.rocAuc ?? Number.NaN) - expected) < 1e-12);
    }),
  );
});

test('a weight of n counts like n pictures', () => {
  fc.assert(
    fc.property(pictures, (list) => {
      const repeated = list.flatMap((one) => Array.from({ length: one.weight }, () => one));
      const weighted = areas(
        list.map(({ score }) => score),
        list.map(({ label }) => label),
        list.map(({ weight }) => weight),
      );
      const written = areas(
        repeated.map(({ score }) => score),
        repeated.map(({ label }) => label),
      );
      assert.equal(weighted === undefined, written === undefined);
      if (!weighted || !written) return;
      assert.ok(Math.abs(weighted.rocAuc - written.rocAuc) < 1e-12);
      assert.ok(Math.abs(weighted.averagePrecision - written.averagePrecision) < 1e-12);
    }),
  );
});

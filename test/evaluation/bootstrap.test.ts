import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapIntervals } from '../../src/evaluation/bootstrap.ts';
import { wilsonInterval } from '../../src/evaluation/wilson.ts';

const share = (right: boolean[]) => (counts: Uint32Array) => ({
  share:
    right.reduce((sum, isRight, picture) => sum + (isRight ? (counts[picture] as number) : 0), 0) /
    right.length,
  never: null,
});

test('the interval of a proportion is near Wilson’s, depends on the seed alone, and is null for an undefined metric', () => {
  const right = Array.from({ length: 400 }, (_, index) => index % 4 !== 0);
  const [a, b, c] = [1, 1, 2].map((seed) => bootstrapIntervals(400, { resamples: 1000, seed }, share(right)));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
  const [low, high] = wilsonInterval(300, 400);
  assert.ok(Math.abs((a?.share?.[0] ?? 0) - low) < 0.015);
  assert.ok(Math.abs((a?.share?.[1] ?? 0) - high) < 0.015);
  assert.equal(a?.never, null);
});

test('every resample has as many pictures as the original', () => {
  bootstrapIntervals(7, { resamples: 50, seed: 3 }, (counts) => {
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      7,
    );
    return {};
  });
});

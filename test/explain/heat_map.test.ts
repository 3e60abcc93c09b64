import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correlation, hottest, normalise } from '../../src/explain/heat_map.ts';

test('normalise clips negative values to 0 and scales the largest to 1', () => {
  assert.deepEqual(normalise([-1, 0, 2, 4]), Float32Array.of(0, 0, 0.5, 1));
  assert.deepEqual(normalise([-1, 0]), Float32Array.of(0, 0));
});

test('hottest gives the pixel’s coordinates; undefined for an empty map', () => {
  assert.deepEqual(hottest(Float32Array.of(0, 0, 0, 0, 0, 0.5), 3), { x: 2, y: 1 });
  assert.equal(hottest(new Float32Array(6), 3), undefined);
});

test('correlation is 1 for proportional maps, -1 for opposite ones, undefined for an empty map', () => {
  const [a, b] = [Float32Array.of(0, 0.5, 1), Float32Array.of(1, 0.5, 0)];
  assert.ok(
    Math.abs(
      (correlation(
        a,
        a.map((value) => value / 2),
      ) as number) - 1,
    ) < 1e-6,
  );
  assert.ok(Math.abs((correlation(a, b) as number) + 1) < 1e-6);
  assert.equal(correlation(a, new Float32Array(3)), undefined);
});

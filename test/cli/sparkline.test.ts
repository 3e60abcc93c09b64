import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkline } from '../../src/cli/sparkline.ts';

for (const [values, width, expected] of [
  [[], 10, ''],
  [[5], 10, '▁'],
  [[2, 2, 2], 10, '▁▁▁'],
  [[0, 1, 2, 3, 4, 5, 6, 7], 8, '▁▂▃▄▅▆▇█'],
  [[7, 0], 8, '█▁'],
  // Stretches of a longer list are averaged.
  [[0, 2, 3, 5, 7, 9], 3, '▁▄█'],
  [[1, 2, 3], 0, ''],
] as const) {
  test(`the curve of ${values.join(' ') || 'nothing'} in ${width} characters`, () =>
    assert.equal(sparkline(values, width), expected));
}

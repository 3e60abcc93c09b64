import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wilsonInterval } from '../../src/evaluation/wilson.ts';

test('the interval is Wilson’s', () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const published: [number, number, string, string][] = [
    [81, 263, '0.2553', '0.3662'],
    [15, 148, '0.0624', '0.1605'],
    [0, 20, '0.0000', '0.1611'],
    [1, 29, '0.0061', '0.1718'],
  ];
  for (const [right, count, low, high] of published) {
    assert.deepEqual(
      wilsonInterval(right, count).map((bound) => bound.toFixed(4)),
      [low, high],
    );
  }
});

test('the interval stays within 0 to 1', () => {
  assert.equal(wilsonInterval(0, 3)[0], 0);
  assert.equal(wilsonInterval(3, 3)[1], 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shareOf } from '../../src/cluster/index.ts';

test('shards together see, batch by batch, the pictures of one process with the larger batch', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 6 }),
      (count, batchSize, steps) => {
        const order = Array.from({ length: steps * count * batchSize }, (_, index) => `picture ${index}`);
        const parts = Array.from({ length: count }, (_, index) =>
          shareOf(order, { index, count }, batchSize),
        );
        for (let step = 0; step < steps; step++) {
          const together = parts.flatMap((part) => part.slice(step * batchSize, (step + 1) * batchSize));
          assert.deepEqual(together, order.slice(step * count * batchSize, (step + 1) * count * batchSize));
        }
      },
    ),
  );
});

test('each validation picture belongs to one shard, and each shard has some of every class', () => {
  const sorted = [...Array(10).fill('bat'), ...Array(10).fill('sup')];
  const indexes = [...sorted.keys()];
  const parts = [0, 1, 2].map((index) => shareOf(indexes, { index, count: 3 }));
  assert.deepEqual(
    parts.flat().sort((a, b) => a - b),
    indexes,
  );
  for (const part of parts) assert.equal(new Set(part.map((index) => sorted[index])).size, 2);
});

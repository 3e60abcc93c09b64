import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DisjointSets } from '../../src/images/disjoint_sets.ts';

const pairs = fc.array(fc.tuple(fc.nat(29), fc.nat(29)), { maxLength: 40 });

test('two items are in one set if a chain of joins connects them', () =>
  fc.assert(
    fc.property(pairs, (joins) => {
      const sets = new DisjointSets(30);
      for (const [one, other] of joins) sets.join(one, other);
      for (let start = 0; start < 30; start++) {
        const reached = new Set([start]);
        for (let before = 0; before !== reached.size; ) {
          before = reached.size;
          for (const [a, b] of joins) {
            if (reached.has(a)) reached.add(b);
            if (reached.has(b)) reached.add(a);
          }
        }
        assert.equal(sets.find(start), Math.min(...reached));
        assert.equal(sets.representatives()[start], Math.min(...reached));
      }
    }),
  ));

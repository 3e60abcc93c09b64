import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slots } from '../../src/async/slots.ts';

const pause = () => new Promise((resolve) => setImmediate(resolve));

test('no more slots are taken than exist, first come, first served', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(fc.nat(8)), async (most, wishes) => {
      const slots = new Slots(most);
      const order: number[] = [];
      let taken = 0;
      const use = async (wish: number, index: number) => {
        const count = 1 + (wish % most);
        assert.ok(await slots.take(count));
        order.push(index);
        taken += count;
        assert.ok(taken <= most);
        await pause();
        taken -= count;
        slots.release(count);
      };
      await Promise.all(wishes.map(use));
      assert.deepEqual(order, [...wishes.keys()]);
    }),
    { numRuns: 50 },
  );
});

test('after closing nobody gets a slot, not even those who wait', async () => {
  const slots = new Slots(1);
  assert.ok(await slots.take());
  const waiting = slots.take();
  slots.close();
  assert.deepEqual([await waiting, await slots.take(), slots.closed], [false, false, true]);
});

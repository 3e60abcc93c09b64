import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeBatcher } from '../../src/serve/batcher.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const long = 60_000;

/** A batcher that doubles its inputs and records the batches. */
function doubling(maxBatch: number, maxWait: number) {
  const batches: number[][] = [];
  const run = makeBatcher(
    async (inputs: number[]) => {
      batches.push(inputs);
      return inputs.map((input) => input * 2);
    },
    { maxBatch, maxWait },
  );
  return { batches, run };
}

test('a lone input does not wait', async () => {
  const { run } = doubling(8, long);
  assert.equal(await run(Promise.resolve(21), never), 42);
});

test('a batch waits for pending inputs, and no longer', async () => {
  const { batches, run } = doubling(8, long);
  const { promise, resolve } = deferred<number>();
  const both = [run(Promise.resolve(1), never), run(promise, never)];
  setImmediate(() => resolve(2));
  assert.deepEqual(await Promise.all(both), [2, 4]);
  assert.deepEqual(batches, [[1, 2]]);
});

test('a batch starts after maxWait, whatever is still pending', async () => {
  const { run } = doubling(8, 1);
  const { promise, resolve } = deferred<number>();
  const late = run(promise, never);
  assert.equal(await run(Promise.resolve(1), never), 2);
  resolve(2);
  assert.equal(await late, 4);
});

test('batches are no larger than maxBatch, and every input gets its own output, in any order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(20), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (delays, maxBatch) => {
        const { batches, run } = doubling(maxBatch, 2);
        const answers = delays.map((delay, index) =>
          run(new Promise((resolve) => setTimeout(() => resolve(index), delay)), never),
        );
        const doubled = delays.map((_, index) => index * 2);
        assert.deepEqual(await Promise.all(answers), doubled);
        assert.ok(batches.every((batch) => batch.length <= maxBatch));
      },
    ),
    { numRuns: 20 },
  );
});

test('an input that fails does not affect the others', async () => {
  const { batches, run } = doubling(8, long);
  const failing = assert.rejects(run(Promise.reject(new Error('broken')), never), /broken/);
  assert.equal(await run(Promise.resolve(1), never), 2);
  await failing;
  assert.deepEqual(batches, [[1]]);
});

test('an input that is aborted while it waits is left out', async () => {
  const { batches, run } = doubling(8, long);
  const { promise, resolve } = deferred<number>();
  const controller = new AbortController();
  const aborted = assert.rejects(run(Promise.resolve(1), controller.signal), /gone/);
  const other = run(promise, never);
  setImmediate(() => {
    controller.abort(new Error('gone'));
    resolve(2);
  });
  await aborted;
  assert.equal(await other, 4);
  assert.deepEqual(batches, [[2]]);
});

test('if the work fails its whole batch rejects, and the next batch runs', async () => {
  let works = false;
  const run = makeBatcher(
    async (inputs: number[]) => {
      if (!works) throw new Error('out of order');
      return inputs;
    },
    { maxBatch: 2, maxWait: 0 },
  );
  await assert.rejects(run(Promise.resolve(1), never), /out of order/);
  works = true;
  assert.equal(await run(Promise.resolve(2), never), 2);
});

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

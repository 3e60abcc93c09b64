import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Again, FetchFailure } from '../../src/collect/failure.ts';
import { backOffTime, retryAfter, withRetries } from '../../src/collect/retry.ts';

const now = Date.UTC(2024, 0, 1, 12, 0, 0);
const headers: [header: string | undefined, wait: number | undefined][] = [
  [undefined, undefined],
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['Mon, 01 Jan 2024 12:00:30 GMT', 30_000],
  ['Mon, 01 Jan 2024 11:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
];
for (const [header, wait] of headers) {
  test(`Retry-After: ${header}`, () => assert.equal(retryAfter(header, now), wait));
}

test('the wait doubles, with jitter from half to one and a half', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), random, (made, value) => {
      const wait = backOffTime(made, 100, () => value);
      const middle = 100 * 2 ** (made - 1);
      assert.ok(wait >= middle / 2 && wait <= middle * 1.5);
    }),
  );
});

/** Number of attempts for work that fails `failures` times. */
async function attemptsMade(
  again: Again,
  failures: number,
): Promise<{ made: number; error: FetchFailure | undefined }> {
  let made = 0;
  const work = async () => {
    if (++made <= failures) throw new FetchFailure('no', again);
  };
  const options = { attempts: 3, backOff: 0 };
  const error = await withRetries(work, options, new AbortController().signal).catch((thrown) => thrown);
  return { made, error };
}

test('temporary failures are retried, up to the limit', async () => {
  assert.deepEqual(await attemptsMade('now', 2), { made: 3, error: undefined });
  const { made, error } = await attemptsMade('now', 9);
  assert.equal(made, 3);
  assert.deepEqual([error?.message, error?.again], ['no (tried 3 times)', 'next run']);
});

test('permanent failures are tried once', async () => {
  assert.equal((await attemptsMade('never', 9)).made, 1);
  assert.equal((await attemptsMade('next run', 9)).made, 1);
});

test('a signal ends the wait', async () => {
  const controller = new AbortController();
  const work = async () => {
    controller.abort();
    throw new FetchFailure('no', 'now');
  };
  const retried = withRetries(work, { attempts: 9, backOff: 1e9 }, controller.signal);
  await assert.rejects(retried, { name: 'AbortError' });
});

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { appendHistory, cutHistory, type EpochRecord, readHistory } from '../../src/runs/history.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

const epoch = (number: number, loss = 1): EpochRecord => ({
  epoch: number,
  step: number * 10,
  time: '2026-01-01T00:00:00.000Z',
  seconds: 2,
  rate: 50,
  loss,
});

test('epochs are appended and read in order; an incomplete line is left out', async () => {
  const run = temporaryFolder();
  assert.deepEqual(await readHistory(run), []);
  for (const number of [1, 2, 3]) await appendHistory(run, epoch(number));
  appendFileSync(join(run, 'metrics.jsonl'), '{"epoch":4,"st');
  assert.deepEqual(await readHistory(run), [epoch(1), epoch(2), epoch(3)]);
});

test('a resumed training drops the epochs that it repeats, and leftovers of a kill', async () => {
  const run = temporaryFolder();
  for (const number of [1, 2, 3]) await appendHistory(run, epoch(number));
  appendFileSync(join(run, 'metrics.jsonl'), '{"epoch":4,"st');
  await cutHistory(run, 2);
  await appendHistory(run, epoch(3, 0.5));
  assert.deepEqual(await readHistory(run), [epoch(1), epoch(2), epoch(3, 0.5)]);
  assert.equal(readFileSync(join(run, 'metrics.jsonl'), 'utf8').split('\n').length, 4);
});

test('a training from the start has no epochs before it', async () => {
  const run = temporaryFolder();
  await appendHistory(run, epoch(1));
  await cutHistory(run, 0);
  assert.ok(!existsSync(join(run, 'metrics.jsonl')));
});

test('an error about an unwritable folder names the file', async () => {
  const run = join(temporaryFolder(), 'none');
  await assertRefused(appendHistory(run, epoch(1)), join(run, 'metrics.jsonl'));
});

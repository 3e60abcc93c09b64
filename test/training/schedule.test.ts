import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learningRateAt } from '../../src/training/schedule.ts';

const common = { learningRate: 0.1, warmup: 0, epochs: 10 };

function rates(schedule: 'constant' | 'cosine' | 'step', steps: number[], warmup = 0): number[] {
  const settings = { ...common, warmup, learningRateSchedule: schedule };
  return steps.map((step) => Number(learningRateAt(step, settings, 10).toPrecision(6)));
}

test('a constant learning rate stays the same', () => {
  assert.deepEqual(rates('constant', [1, 50, 100]), [0.1, 0.1, 0.1]);
});

test('a cosine decays from the full rate to almost 0', () => {
  // Keras: CosineDecay(0.1, 100) at 0, 25, 50, 75 and 99 steps done.
  const expected = [0.1, 0.0853553, 0.05, 0.0146447, 0.000024672];
  assert.deepEqual(rates('cosine', [1, 26, 51, 76, 100]), expected);
});

test('steps divide the rate by ten after 1/2 and 3/4 of the training', () => {
  assert.deepEqual(rates('step', [1, 50, 51, 75, 76, 100]), [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
});

test('warm-up rises linearly, and the schedule covers the remaining steps', () => {
  assert.deepEqual(rates('constant', [1, 5, 10, 11], 1), [0.01, 0.05, 0.1, 0.1]);
  // Half of the 90 steps after warm-up are done before step 56.
  assert.deepEqual(rates('cosine', [10, 11, 56], 1), [0.1, 0.1, 0.05]);
  assert.deepEqual(rates('constant', [1, 2, 5, 6], 0.5), [0.02, 0.04, 0.1, 0.1]);
});

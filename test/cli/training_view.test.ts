import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TrainingState, trainingView } from '../../src/cli/training_view.ts';

const count = (max: number) => fc.integer({ min: 1, max });
const curve = fc
  .array(fc.float({ min: 0, max: 1e6, noNaN: true }), { maxLength: 500 })
  .map((values) => ({ now: values.at(-1), values }));
const states: fc.Arbitrary<TrainingState> = fc
  .record({
    epochs: count(100_000),
    stepsPerEpoch: count(100_000),
    step: count(10 ** 9),
    rate: fc.option(fc.float({ min: 0, max: 100_000, noNaN: true }), { nil: undefined }),
    secondsPerStep: fc.option(fc.float({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
    share: fc.float({ min: 0, max: 1, noNaN: true }),
    loss: curve,
    accuracy: curve,
    validationLoss: curve,
    validationAccuracy: curve,
    best: fc.option(
      fc.record({ epoch: count(100_000), validationAccuracy: fc.float({ min: 0, max: 1, noNaN: true }) }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ share, ...state }) => ({
    ...state,
    epoch: Math.floor(share * (state.epochs - 1)),
    batch: Math.floor(share * state.stepsPerEpoch),
  }));

test('the view fits the terminal', () =>
  fc.assert(
    fc.property(states, count(200), count(60), (state, columns, rows) => {
      const lines = trainingView(state, { columns, rows }, false);
      assert.ok(lines.length + 2 <= rows || lines.length === 0);
      for (const line of lines) assert.ok(line.length < columns, `${line.length} of ${columns}: ${line}`);
    }),
  ));

const state: TrainingState = {
  epoch: 11,
  epochs: 300,
  batch: 100,
  stepsPerEpoch: 160,
  step: 1860,
  rate: 340.4,
  secondsPerStep: 0.03,
  loss: { now: 0.31214, values: [0.8, 0.5, 0.4, 0.3] },
  accuracy: { now: 0.9, values: [0.5, 0.7, 0.8, 0.9] },
  validationLoss: { now: 0.4, values: [0.7, 0.4] },
  validationAccuracy: { now: 0.85, values: [0.6, 0.85] },
  best: { epoch: 11, validationAccuracy: 0.85 },
};

test('the view shows every figure of a training', () =>
  assert.deepEqual(trainingView(state, { columns: 80, rows: 24 }, false), [
    'Epoch 12/300 █████████████░░░░░░░  62 %',
    'step 1860  340 img/s',
    'left: epoch 0:02, training 23:04',
    'loss        0.3121 █▄▂▁',
    'validation  0.4000 █▁',
    'accuracy    0.9000 ▁▄▆█',
    'validation  0.8500 ▁█',
    'best        0.8500 in epoch 11',
  ]));

test('without validation its lines are left out; before the first step only the start is shown', () => {
  const empty = { now: undefined, values: [] };
  const validation = { validationLoss: empty, validationAccuracy: empty, best: undefined };
  const size = { columns: 80, rows: 24 };
  assert.equal(trainingView({ ...state, ...validation }, size, false).length, 5);
  const start = { ...state, ...validation, loss: empty, accuracy: empty, rate: undefined };
  assert.deepEqual(trainingView({ ...start, secondsPerStep: undefined, step: 0 }, size, false).slice(1), [
    'step 0  - img/s',
    'left: epoch -, training -',
  ]);
});

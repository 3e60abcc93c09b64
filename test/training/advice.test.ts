import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceFor, type TrainingOutcome } from '../../src/training/advice.ts';

const fromNothing = { pretrained: 'off', fineTune: 0 } as const;

function ended(change: Partial<TrainingOutcome> = {}): TrainingOutcome {
  const metrics = { loss: 0.4, accuracy: 0.9, validationLoss: 0.5, validationAccuracy: 0.8 };
  return {
    settings: { ...fromNothing, recipe: 'best', augment: 'online', epochs: 10 },
    metrics,
    best: { epoch: 8, metrics },
    epoch: 10,
    ...change,
  } as TrainingOutcome;
}
const flags = (change?: Partial<TrainingOutcome>) =>
  adviceFor(ended(change)).map(({ continues, flag }) => (continues ? `--resume ${flag}` : flag));
const article = { ...fromNothing, recipe: 'article', augment: 'off', epochs: 10 } as const;

test('no advice where there is no reason for any', () => {
  assert.deepEqual(flags(), []);
});

test('a training with the article’s recipe is pointed to --recipe best', () => {
  assert.deepEqual(flags({ settings: article }), ['--recipe best']);
});

test('a training whose last epoch was the best is advised to continue', () => {
  const best = { epoch: 10, metrics: {} };
  assert.deepEqual(flags({ best }), ['--resume --epochs 20']);
  assert.deepEqual(flags({ best, settings: article }), ['--recipe best', '--resume --epochs 20']);
  assert.deepEqual(flags({ best, epoch: 9 }), [], 'stopped early');
});

test('overfitting is answered with augmentation', () => {
  const metrics = { accuracy: 0.99, validationAccuracy: 0.7 };
  assert.deepEqual(
    flags({ metrics, settings: { ...fromNothing, recipe: 'best', augment: 'off', epochs: 10 } }),
    ['--augment online'],
  );
  assert.deepEqual(flags({ metrics }), [], 'varied already');
});

test('no advice without validation', () => {
  assert.deepEqual(flags({ metrics: { accuracy: 1 }, best: undefined, settings: article }), []);
});

test('a head is advised to be fine-tuned, and a fine-tuned network is left alone', () => {
  const head = { ...article, pretrained: 'efficientnet-lite0' } as const;
  assert.deepEqual(flags({ settings: head, epoch: 0 }), ['--resume --fine-tune']);
  const tuned = { ...head, fineTune: 3 };
  assert.deepEqual(flags({ settings: tuned }), []);
  assert.deepEqual(
    flags({ settings: tuned, best: { epoch: 10, metrics: {} } }),
    [],
    'its last epoch is the best',
  );
});

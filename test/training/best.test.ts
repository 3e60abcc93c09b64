import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBest } from '../../src/training/best.ts';

interface Given {
  pretrained?: string;
  earlyStopping?: number;
  epoch?: number;
  pictures?: number;
}

/** Of 8 epochs; the best before has an accuracy of 0.75 and a loss of 0.8. */
function isBestWith(
  metrics: object,
  { pretrained = 'efficientnet-lite0', earlyStopping = 0, epoch = 8, pictures = 75 }: Given = {},
): boolean {
  return isBest({
    metrics,
    best: { epoch: 0, metrics: { validationAccuracy: 0.75, validationLoss: 0.8 } },
    position: { epoch },
    settings: { pretrained, earlyStopping, epochs: 8 },
    split: { validation: Array(pictures) },
  } as never);
}

test('an epoch is the best where its accuracy is higher, or as high with a lower loss', () => {
  const off = { pretrained: 'off', epoch: 3 };
  assert.equal(isBestWith({ validationAccuracy: 0.76, validationLoss: 0.9 }, off), true);
  assert.equal(isBestWith({ validationAccuracy: 0.75, validationLoss: 0.7 }, off), true);
  assert.equal(isBestWith({ validationAccuracy: 0.75, validationLoss: 0.9 }, off), false);
  assert.equal(isBestWith({ validationAccuracy: 0.74, validationLoss: 0.1 }, off), false);
  assert.equal(isBestWith({}, off), false);
});

test('fine-tuning is taken unless it is worse than the head by more than a standard error', () => {
  // sqrt(0.75 * 0.25 / 75) = 0.05
  assert.equal(isBestWith({ validationAccuracy: 0.701, validationLoss: 0.9 }), true);
  assert.equal(isBestWith({ validationAccuracy: 0.699, validationLoss: 0.1 }), false);
  assert.equal(isBestWith({ validationAccuracy: 0.701 }, { pictures: 7500 }), false);
  assert.equal(isBestWith({}), false);
});

test('epochs in the middle of fine-tuning are compared only to stop early', () => {
  assert.equal(isBestWith({ validationAccuracy: 0.9 }, { epoch: 7 }), false);
  assert.equal(isBestWith({ validationAccuracy: 0.9 }, { epoch: 7, earlyStopping: 2 }), true);
  assert.equal(isBestWith({ validationAccuracy: 0.74 }, { epoch: 8, earlyStopping: 2 }), false);
});

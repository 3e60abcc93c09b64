import assert from 'node:assert/strict';
import { test } from 'node:test';
import { averageOf, classFigures } from '../../src/evaluation/class_figures.ts';
import { confusionMatrix } from '../../src/evaluation/confusion.ts';

test('a confusion matrix has a row for each true class', () => {
  const labels = [0, 0, 0, 1, 1, 2];
  const predicted = [0, 1, 1, 1, 2, 2];
  assert.deepEqual(confusionMatrix(labels, predicted, 3), [
    [1, 2, 0],
    [0, 1, 1],
    [0, 0, 1],
  ]);
  assert.deepEqual(confusionMatrix(labels, predicted, 3, [0, 3, 0, 1, 0, 2]), [
    [0, 3, 0],
    [0, 1, 0],
    [0, 0, 2],
  ]);
});

test('precision, recall and F1 by hand', () => {
  const figures = classFigures([
    [1, 2, 0],
    [0, 1, 1],
    [0, 0, 1],
  ]);
  assert.deepEqual(figures, [
    { precision: 1, recall: 1 / 3, f1: 0.5, support: 3 },
    { precision: 1 / 3, recall: 0.5, f1: 0.4, support: 2 },
    { precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
  ]);
});

test('a class that is neither present nor predicted has zeros, not NaN', () => {
  const [, absent] = classFigures([
    [2, 0],
    [0, 0],
  ]);
  assert.deepEqual(absent, { precision: 0, recall: 0, f1: 0, support: 0 });
});

test('averages leave out nulls', () => {
  assert.equal(averageOf([0.5, null, 1]), 0.75);
  assert.equal(averageOf([0.5, null, 1], [3, 5, 1]), 0.625);
  assert.equal(averageOf([null, null]), null);
  assert.equal(averageOf([]), null);
});

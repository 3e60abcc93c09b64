import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answers, logitsOf } from '../../src/evaluation/answers.ts';
import { type Evaluation, evaluate } from '../../src/evaluation/evaluate.ts';
import { fitTemperature } from '../../src/evaluation/temperature.ts';
import { withoutPackage } from '../helpers/python.ts';
import { askScikitLearn } from '../helpers/scikit_learn.ts';
import { answersOf, randomAnswers } from './answers.ts';

const options = { temperature: 1, seed: 1, topLosses: 3 };

function near(actual: unknown, expected: unknown, what: string, tolerance = 1e-9): void {
  const [a, b] = [actual, expected].map((value) => [value].flat(2) as number[]) as [number[], number[]];
  assert.equal(a.length, b.length, what);
  for (const [index, value] of b.entries())
    assert.ok(
      Math.abs((a[index] as number) - value) <= tolerance,
      `${what}: ${a[index]} instead of ${value}`,
    );
}

function compare(evaluation: Evaluation, answers: Answers, temperature: number): void {
  const logits = answers.labels.map((_, picture) => [...logitsOf(answers, picture)]);
  const theirs = askScikitLearn({ labels: answers.labels, logits, temperature });
  near(evaluation.accuracy, theirs.accuracy, 'accuracy');
  assert.deepEqual(evaluation.confusion, theirs.confusion);
  for (const [label, one] of evaluation.classes.entries()) {
    const report = theirs.report[label];
    near(
      [one.precision, one.recall, one.f1, one.support],
      [report.precision, report.recall, report['f1-score'], report.support],
      one.class,
    );
  }
  for (const name of ['macro', 'weighted'] as const) {
    const { precision, recall, f1 } = evaluation[name];
    const report = theirs.report[`${name} avg`];
    near([precision, recall, f1], [report.precision, report.recall, report['f1-score']], name);
  }
  near(
    evaluation.classes.map(({ rocAuc }) => rocAuc),
    theirs.rocAuc,
    'ROC-AUC',
  );
  near(evaluation.macro.rocAuc, theirs.macroRocAuc, 'macro ROC-AUC');
  near(evaluation.weighted.rocAuc, theirs.weightedRocAuc, 'weighted ROC-AUC');
  near(
    evaluation.classes.map(({ prAuc }) => prAuc),
    theirs.prAuc,
    'PR-AUC',
  );
  near(evaluation.macro.prAuc, theirs.macroPrAuc, 'macro PR-AUC');
  near(evaluation.calibrated.loss, theirs.loss, 'loss');
  const bins = evaluation.calibrated.reliability.filter(({ pictures }) => pictures > 0);
  near(
    bins.map(({ accuracy }) => accuracy),
    theirs.reliability.right,
    'reliability',
  );
  near(
    bins.map(({ confidence }) => confidence),
    theirs.reliability.claimed,
    'confidence',
  );
  near(fitTemperature(answers), theirs.temperature, 'temperature', 1e-5);
}

for (const [pictures, classes] of [
  [60, 2],
  [333, 3],
  [1000, 7],
] as const) {
  test(`the metrics of ${pictures} pictures in ${classes} classes are those of scikit-learn`, {
    skip: withoutPackage('sklearn'),
  }, () => {
    const answers = randomAnswers(pictures, classes, `${pictures}`);
    for (const temperature of [1, 1.7])
      compare(evaluate(answers, { ...options, temperature }), answers, temperature);
  });
}

test('the highest losses come first, with their predictions', () => {
  const answers = answersOf(
    [
      [3, 0],
      [0, 4],
      [0, 1],
      [5, 0],
    ],
    [0, 0, 1, 1],
  );
  const { topLosses } = evaluate(answers, { ...options, topLosses: 2 });
  assert.deepEqual(
    topLosses.map(({ file, class: name, predicted }) => [file, name, predicted]),
    [
      ['3.jpg', 'class 1', 'class 0'],
      ['1.jpg', 'class 0', 'class 1'],
    ],
  );
  assert.ok(Math.abs((topLosses[0]?.loss ?? 0) - Math.log(1 + Math.exp(5))) < 1e-6);
  assert.ok(Math.abs((topLosses[0]?.probability ?? 0) - 1 / (1 + Math.exp(-5))) < 1e-6);
});

test('a class without pictures has no areas, and counts in the mean only if it was predicted', () => {
  const notPredicted = evaluate(
    answersOf(
      [
        [3, 0, 0],
        [0, 4, 0],
      ],
      [0, 1],
    ),
    options,
  );
  assert.equal(notPredicted.classes[2]?.rocAuc, null);
  assert.equal(notPredicted.macro.f1, 1);
  const predicted = evaluate(
    answersOf(
      [
        [3, 0, 0],
        [0, 4, 0],
        [0, 0, 9],
      ],
      [0, 1, 1],
    ),
    options,
  );
  assert.ok(Math.abs(predicted.macro.f1 - (1 + 2 / 3 + 0) / 3) < 1e-12);
});

test('intervals contain the metric, depend on the seed alone, and narrow with more pictures', () => {
  const width = ([low, high]: [number, number]) => high - low;
  const few = evaluate(randomAnswers(60, 3, 'few'), options);
  const many = evaluate(randomAnswers(2000, 3, 'few'), options);
  for (const { intervals, macro } of [few, many]) {
    for (const name of ['f1', 'rocAuc', 'prAuc'] as const) {
      const [low, high] = intervals[name] as [number, number];
      assert.ok(low <= (macro[name] as number) && (macro[name] as number) <= high, name);
    }
  }
  assert.ok(width(many.intervals.f1 as [number, number]) < width(few.intervals.f1 as [number, number]) / 2);
  assert.deepEqual(evaluate(randomAnswers(60, 3, 'few'), options), few);
  assert.equal(few.resamples, 1000);
});

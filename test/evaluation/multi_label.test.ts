import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { evaluateSets } from '../../src/evaluation/multi_label/evaluate.ts';
import { scoresByClass } from '../../src/evaluation/multi_label/scores.ts';
import { bestThresholds, chooseThreshold } from '../../src/evaluation/multi_label/thresholds.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const classes = ['bat', 'cat', 'owl', 'sup', 'yak'];

/** Pictures that show some of the classes, none 'yak'; every third logit is rounded, so that there are equal ones. */
function answersFor(seed: string, pictures: number) {
  const random = seedrandom(seed);
  const labelSets = Array.from({ length: pictures }, () => [0, 1, 2, 3].filter(() => random() < 0.35));
  const logits = Float32Array.from({ length: pictures * classes.length }, (_, at) => {
    const isShown = labelSets[Math.floor(at / classes.length)]?.includes(at % classes.length);
    const logit = (isShown ? 1 : -1) + 4 * (random() - 0.5);
    return at % 3 === 0 ? Math.round(logit) : logit;
  });
  const files = labelSets.map((_, index) => `${index}.png`);
  return { classes, files, labels: labelSets.map(([first = 0]) => first), labelSets, logits };
}

test('all metrics are those of scikit-learn', { skip: withoutPackage('sklearn') }, () => {
  for (const [seed, pictures] of [
    ['few', 7],
    ['many', 400],
  ] as const) {
    const answers = answersFor(seed, pictures);
    const thresholds = [0.5, 0.3, 0.8, 0.5, 0.9];
    const file = join(temporaryFolder(), 'task.json');
    const rows = answers.labelSets.map((_, row) => [...answers.logits.subarray(row * 5, row * 5 + 5)]);
    const shown = answers.labelSets.map((set) => classes.map((_, label) => Number(set.includes(label))));
    writeFileSync(file, JSON.stringify({ logits: rows, shown, thresholds }));
    const theirs = runPython(new URL('multi_label.py', import.meta.url), file);
    const ours = evaluateSets(answers, thresholds, { topLosses: 2 });
    const near = (own: number | null, other: number | null, what: string) =>
      assert.ok(
        own === other || Math.abs((own as number) - (other as number)) < 1e-6,
        `${what}: ${own} instead of ${other}`,
      );
    near(ours.meanAveragePrecision, theirs.mean, 'mean');
    near(ours.micro.f1, theirs.micro, 'micro');
    near(ours.macro.f1, theirs.macro, 'macro');
    near(ours.exactMatch, theirs.exact, 'exact');
    near(ours.loss, theirs.loss, 'loss');
    for (const [label, one] of ours.classes.entries()) {
      near(one.averagePrecision, theirs.averagePrecision[label], one.class);
      for (const name of ['precision', 'recall', 'f1'] as const) near(one[name], theirs[name][label], name);
    }
    assert.ok((ours.topLosses[0]?.loss as number) >= (ours.topLosses[1]?.loss as number));
  }
});

test('classes are counted together', () => {
  const logits = Float32Array.of(3, 3, -3, 3, -3, 3, -3, -3, -3);
  const answers = {
    classes: ['a', 'b', 'c'],
    files: ['1', '2', '3'],
    labels: [0, 0, 0],
    labelSets: [[0, 1], [0], []],
    logits,
  };
  const { shown, answered, exact, topLosses } = evaluateSets(answers, [0.5, 0.5, 0.5], { topLosses: 1 });
  assert.deepEqual(shown, [
    [2, 1, 0],
    [1, 1, 0],
    [0, 0, 0],
  ]);
  assert.deepEqual(answered, [
    [2, 1, 1],
    [1, 1, 0],
    [0, 0, 0],
  ]);
  assert.equal(exact, 2);
  assert.deepEqual(topLosses[0]?.answered, ['a', 'c']);
});

test('a threshold has the best F1 that any has, or the most recall at a precision', () => {
  const { labelSets, logits } = answersFor('thresholds', 60);
  const all = scoresByClass(logits, labelSets, classes.length);
  const thresholds = bestThresholds(all);
  for (const [label, { scores, shown }] of all.entries()) {
    const at = (threshold: number) => {
      const answered = Array.from(scores, (score) => 1 / (1 + Math.exp(-score)) >= threshold);
      const right = answered.filter((one, index) => one && shown[index]).length;
      const count = answered.filter(Boolean).length;
      const total = shown.reduce((sum, one) => sum + one, 0);
      return { precision: right / count, recall: right / total, f1: (2 * right) / (count + total) };
    };
    if (label === 4) {
      assert.equal(thresholds[label], 0.5, 'no picture shows it');
      continue;
    }
    const tried = Array.from(scores, (score) => at(1 / (1 + Math.exp(-score))));
    const best = Math.max(...tried.map(({ f1 }) => f1));
    assert.equal(at(thresholds[label] as number).f1, best);
    const precise = at(chooseThreshold(all[label] as (typeof all)[number], 0.9) as number);
    assert.ok(precise.precision >= 0.9);
    const most = Math.max(...tried.filter(({ precision }) => precision >= 0.9).map(({ recall }) => recall));
    assert.equal(precise.recall, most);
  }
  const never = { scores: Float64Array.of(3, 2, 1), shown: Uint8Array.of(0, 1, 1) };
  assert.equal(chooseThreshold(never, 0.9), undefined);
});

test('where several thresholds are as good, it is the one nearest to 0.5', () => {
  const separable = { scores: Float64Array.of(4, 3, -3, -4), shown: Uint8Array.of(1, 1, 0, 0) };
  assert.ok(Math.abs((chooseThreshold(separable) as number) - 0.5) < 1e-9);
});

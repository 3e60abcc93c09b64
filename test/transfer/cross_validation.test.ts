import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import {
  crossValidate,
  dealFolds,
  type GroupedProblem,
  type PathPoint,
} from '../../src/transfer/cross_validation.ts';
import { fitLogisticRegression } from '../../src/transfer/logistic_regression.ts';

/** Normal features whose mean depends on the class. */
function randomProblem(
  seed: string,
  labels: number[],
  { length = 30, classes = 3, distance = 0.6 } = {},
): GroupedProblem {
  const random = seedrandom(seed);
  const centres = Float32Array.from({ length: classes * length }, () => distance * normal(random));
  const features = Float32Array.from({ length: labels.length * length }, (_, at) => {
    const [row, j] = [Math.floor(at / length), at % length];
    return 1 + normal(random) + (centres[(labels[row] as number) * length + j] as number);
  });
  return { features, length, classes, labels, groups: labels.map((_, row) => row) };
}

const cycle = (count: number, classes: number) => Array.from({ length: count }, (_, row) => row % classes);

function near(value: number, wanted: number, tolerance: number): void {
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value} is not ${wanted}`);
}

/** Log loss of the rows that were held out, from the probabilities. */
function logLossOf(
  { labels, classes, classWeights }: GroupedProblem,
  folds: Int8Array,
  probabilities: Float64Array,
): number {
  let [loss, total] = [0, 0];
  for (const [row, fold] of folds.entries()) {
    const label = labels[row] as number;
    const probability = probabilities[row * classes + label] as number;
    if (fold < 0 || probability === 0) continue;
    loss -= (classWeights?.[label] ?? 1) * Math.log(probability);
    total += classWeights?.[label] ?? 1;
  }
  return loss / total;
}

test('held-out probabilities are those of fits without the fold, and the chosen C is within a standard error of the best', async () => {
  for (const [count, length] of [
    [70, 90],
    [170, 40],
  ] as const) {
    const problem = randomProblem('honest', cycle(count, 3), { length, distance: 0.2 });
    const { C, path, folds, probabilities, model } = await crossValidate(problem, {
      seed: 4,
      folds: 4,
    });
    assert.deepEqual([...new Set(folds)].sort(), [0, 1, 2, 3]);
    const least = path.reduce((a, b) => (b.logLoss < a.logLoss ? b : a));
    const best = path.find(({ logLoss }) => logLoss <= least.logLoss + least.standardError) as PathPoint;
    assert.equal(C, best.C);
    const losses = [...folds.keys()].map(
      (row) => -Math.log(probabilities[row * 3 + (problem.labels[row] as number)] as number),
    );
    const squares = losses.reduce((sum, loss) => sum + (loss - best.logLoss) ** 2, 0);
    near(best.standardError, Math.sqrt(squares) / count, 1e-12);
    near(logLossOf(problem, folds, probabilities), best.logLoss, 1e-12);
    for (const fold of [0, 3]) {
      const kept = [...folds.keys()].filter((row) => folds[row] !== fold);
      const fit = await fitLogisticRegression(
        {
          ...problem,
          labels: kept.map((row) => problem.labels[row] as number),
          features: Float32Array.from(
            kept.flatMap((row) => [...problem.features.subarray(row * length, (row + 1) * length)]),
          ),
        },
        { C },
      );
      for (const [row, one] of folds.entries()) {
        if (one !== fold) continue;
        const logits = [0, 1, 2].map((k) => {
          let sum = fit.biases[k] as number;
          for (let j = 0; j < length; j++)
            sum += (problem.features[row * length + j] as number) * (fit.coefficients[j * 3 + k] as number);
          return sum;
        });
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
        for (const [k, logit] of logits.entries())
          near(probabilities[row * 3 + k] as number, Math.exp(logit) / total, 0.002);
      }
    }
    const whole = await fitLogisticRegression(problem, { C });
    assert.ok(model.isConverged);
    for (const [at, value] of model.coefficients.entries())
      near(value, whole.coefficients[at] as number, 1e-6);
  }
});

test('features without meaning get a strong penalty, telling ones a weak one', async () => {
  const none = await crossValidate(randomProblem('none', cycle(120, 3), { distance: 0 }), { seed: 1 });
  const clear = await crossValidate(randomProblem('clear', cycle(120, 3), { distance: 3 }), { seed: 1 });
  assert.equal(none.C, none.path[0]?.C);
  assert.ok(clear.path.length > 6 && clear.C > 100 * none.C);
});

test('folds keep groups together, each has its share of each class, and no class is missing in training', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(4), fc.nat(30)), { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 2, max: 7 }),
      (rows, folds) => {
        const labels = rows.map(([label]) => label);
        const groups = rows.map(([, group]) => group);
        const problem = { features: new Float32Array(rows.length), length: 1, classes: 5, labels, groups };
        const dealt = dealFolds(problem, { seed: 3, folds });
        assert.deepEqual(dealt, dealFolds(problem, { seed: 3, folds }));
        for (const [row, group] of groups.entries())
          assert.equal(dealt[row], dealt[groups.indexOf(group)], 'a group is split');
        for (let fold = 0; fold < folds; fold++)
          for (const label of new Set(labels))
            assert.ok(
              labels.some((one, row) => one === label && dealt[row] !== fold),
              `class ${label} is missing`,
            );
      },
    ),
  );
});

test('folds of single rows are as even as can be', () => {
  const labels = [...cycle(53, 3), ...new Array<number>(11).fill(2)];
  const folds = dealFolds(randomProblem('even', labels), { seed: 9 });
  for (let label = 0; label < 3; label++) {
    const counts = [0, 1, 2, 3, 4].map(
      (fold) => labels.filter((one, row) => one === label && folds[row] === fold).length,
    );
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
  }
  assert.notDeepEqual(folds, dealFolds(randomProblem('even', labels), { seed: 10 }));
});

test('groups of several classes are dealt out so that each side has all classes, where that is possible', () => {
  const deal = (labels: number[], groups: number[], folds: number) =>
    dealFolds(
      { features: new Float32Array(labels.length), length: 1, classes: 3, labels, groups },
      { seed: 3, folds },
    );
  const folds = deal([1, 1, 0, 0, 2, 2], [0, 1, 1, 2, 2, 3], 2);
  for (const [a, b] of [
    [0, 1],
    [2, 3],
    [4, 5],
  ] as const)
    assert.notEqual(folds[a], folds[b]);
  const labels = [0, 1, 1, 1, 2, 2, 0, 0, 2, 1, 1, 0, 2, 2, 1];
  const groups = [...labels.keys()].map((row) => Math.floor(row / 3));
  assert.equal(new Set(deal(labels, groups, 5)).size, 5);
  assert.equal(new Set(deal([0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 2, 2], 5)).size, 3);
});

test('a class of one group stays in training, and others of few are held out', async () => {
  const labels = [...cycle(40, 2), 2, 2, 2];
  const groups = [...labels.keys()].map((row) => Math.min(row, 40));
  const problem = { ...randomProblem('few', labels), groups };
  const { folds, probabilities, path } = await crossValidate(problem, { seed: 1 });
  assert.deepEqual([...folds.subarray(40)], [-1, -1, -1]);
  assert.ok(probabilities.subarray(120).every((value) => value === 0));
  assert.ok(folds.subarray(0, 40).every((fold) => fold >= 0));
  assert.ok(path.every(({ logLoss }) => logLoss < 2));
  const pairs = {
    ...problem,
    groups: [...labels.keys()].map((row) => (row >= 40 ? Math.min(row, 41) : row)),
  };
  assert.ok(
    dealFolds(pairs, { seed: 1 })
      .subarray(40)
      .every((fold) => fold >= 0),
  );
});

test('with one picture of each class nothing is held out, and a moderate penalty chosen', async () => {
  const { path, folds, model, C } = await crossValidate(randomProblem('one', [0, 1, 2]), { seed: 1 });
  assert.deepEqual(path, []);
  assert.deepEqual([...folds], [-1, -1, -1]);
  assert.ok(model.isConverged && C > 0);
});

test('two pictures of each class are enough', async () => {
  const problem = randomProblem('two', [0, 0, 1, 1], { classes: 2, distance: 2 });
  const { path, folds } = await crossValidate(problem, { seed: 1 });
  assert.ok(path.length > 0);
  assert.ok(folds.every((fold) => fold >= 0));
});

test('class weights count in training and in the log loss', async () => {
  const labels = [...new Array<number>(60).fill(0), ...new Array<number>(12).fill(1)];
  const problem = randomProblem('rare', labels, { classes: 2, distance: 0.2 });
  const plain = await crossValidate(problem, { seed: 1 });
  const classWeights = [0.6, 3];
  const weighted = await crossValidate({ ...problem, classWeights }, { seed: 1 });
  const best = weighted.path.find(({ C }) => C === weighted.C);
  const loss = logLossOf({ ...problem, classWeights }, weighted.folds, weighted.probabilities);
  near(loss, best?.logLoss as number, 1e-12);
  const rare = ({ probabilities }: typeof plain) =>
    labels.reduce((sum, label, row) => sum + (label === 1 ? (probabilities[row * 2 + 1] as number) : 0), 0) /
    12;
  assert.ok(rare(weighted) > rare(plain));
  const direct = await fitLogisticRegression(
    {
      ...problem,
      weights: labels.map((label) => classWeights[label] as number),
    },
    { C: weighted.C },
  );
  near(weighted.model.loss, direct.loss, 1e-9 * direct.loss);
});

test('threads change nothing, to the last bit', async () => {
  const problem = randomProblem('threads', cycle(260, 4), { length: 300, classes: 4, distance: 0.2 });
  const [one, two, three] = [
    await crossValidate(problem, { seed: 1, threads: 1 }),
    await crossValidate(problem, { seed: 1, threads: 2 }),
    await crossValidate(problem, { seed: 1, threads: 5 }),
  ];
  assert.deepEqual(two, one);
  assert.deepEqual(three, one);
});

test('refuses what does not fit', async () => {
  const problem = randomProblem('refused', cycle(12, 3));
  const refused = (change: Partial<GroupedProblem>, message: RegExp) =>
    assert.rejects(crossValidate({ ...problem, ...change }, { seed: 1 }), { name: 'RangeError', message });
  await refused({ groups: [1, 2] }, /groups must have 12 numbers; received 2/);
  await refused({ classWeights: [1, 2] }, /classWeights must have 3 numbers; received 2/);
  await refused(
    { classWeights: [1, Number.NaN, 2] },
    /weights must be finite numbers of at least 0; received NaN/,
  );
  await refused(
    { features: problem.features.map((value, at) => (at === 31 ? Number.NaN : value)) },
    /features of row 1/,
  );
});

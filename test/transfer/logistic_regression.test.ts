import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import {
  fitLogisticRegression,
  type LogisticRegressionProblem,
} from '../../src/transfer/logistic_regression.ts';

/** Normal features whose mean depends a little on the class. */
function randomProblem(
  seed: string,
  {
    count,
    length,
    classes,
    distance = 0.3,
  }: { count: number; length: number; classes: number; distance?: number },
): LogisticRegressionProblem {
  const random = seedrandom(seed);
  const centres = Float32Array.from({ length: classes * length }, () => distance * normal(random));
  const labels = Array.from({ length: count }, (_, row) => row % classes);
  const features = Float32Array.from({ length: count * length }, (_, at) => {
    const [row, j] = [Math.floor(at / length), at % length];
    return 3 + ((j % 5) + 0.5) * (normal(random) + (centres[(labels[row] as number) * length + j] as number));
  });
  return { features, length, classes, labels };
}

/** The loss and its gradient in plain JavaScript, at the coefficients and biases of a fit. */
function plain(
  { features, length, classes, labels, softLabels, weights }: LogisticRegressionProblem,
  { coefficients, biases }: { coefficients: Float64Array; biases: Float64Array },
  C: number,
) {
  const gradient = new Float64Array((length + 1) * classes);
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const x = (j: number) => features[row * length + j] as number;
    const logits = Array.from({ length: classes }, (_, k) => {
      let sum = biases[k] as number;
      for (let j = 0; j < length; j++) sum += x(j) * (coefficients[j * classes + k] as number);
      return sum;
    });
    const highest = Math.max(...logits);
    const total = highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
    const targets = Array.from({ length: classes }, (_, k) =>
      softLabels ? (softLabels[row * classes + k] as number) : Number(labels[row] === k),
    );
    const share = targets.reduce((sum, target) => sum + target, 0);
    const weight = weights?.[row] ?? 1;
    for (const [k, target] of targets.entries()) {
      if (target > 0) loss += weight * target * (total - (logits[k] as number));
      const residual = weight * (share * Math.exp((logits[k] as number) - total) - target);
      for (let j = 0; j < length; j++)
        gradient[j * classes + k] = (gradient[j * classes + k] as number) + residual * x(j);
      gradient[length * classes + k] = (gradient[length * classes + k] as number) + residual;
    }
  }
  for (let at = 0; at < length * classes; at++) {
    const value = coefficients[at] as number;
    loss += value ** 2 / (2 * C);
    gradient[at] = (gradient[at] as number) + value / C;
  }
  return { loss, gradient };
}

function near(value: number | undefined, wanted: number | undefined, tolerance: number): void {
  assert.ok(Math.abs((value as number) - (wanted as number)) <= tolerance, `${value} is not ${wanted}`);
}

const norm = (values: Float64Array) => Math.hypot(...values);

/** Fits, and checks in plain JavaScript that the result is the minimum. */
async function checkOptimum(problem: LogisticRegressionProblem, C: number, tolerance = 1e-7) {
  const fit = await fitLogisticRegression(problem, { C });
  assert.ok(fit.isConverged, `C ${C}: gradient ${fit.gradientNorm}`);
  const { length, classes } = problem;
  const { loss, gradient } = plain(problem, fit, C);
  assert.ok(Math.abs(loss - fit.loss) <= 1e-9 * (1 + loss), `${loss} is not ${fit.loss}`);
  const none = {
    coefficients: new Float64Array(length * classes),
    biases: fit.biases.map((bias) => (bias < -50 ? -200 : 0)),
  };
  const reference = norm(plain(problem, none, C).gradient);
  assert.ok(norm(gradient) <= tolerance * (1 + reference), `C ${C}: ${norm(gradient)} of ${reference}`);
  return fit;
}

for (const [name, size] of Object.entries({
  'fewer rows than features': { count: 37, length: 90, classes: 3 },
  'more rows than features': { count: 210, length: 33, classes: 5 },
  'as many rows as features': { count: 40, length: 40, classes: 4 },
  'two classes': { count: 61, length: 17, classes: 2 },
  'a hundred classes': { count: 230, length: 25, classes: 100 },
  'one row of each class': { count: 9, length: 50, classes: 9 },
}))
  for (const C of [1e-6, 0.01, 1, 100])
    test(`finds the minimum: ${name}, C ${C}`, async () => {
      await checkOptimum(randomProblem(name, size), C);
    });

test('finds the minimum with weights and soft labels', async () => {
  const random = seedrandom('weights');
  for (const count of [20, 150]) {
    const problem = randomProblem('soft', { count, length: 30, classes: 3 });
    const softLabels = Float32Array.from({ length: count * 3 }, () => Math.round(4 * random()) / 4);
    const weights = Float64Array.from({ length: count }, () => Math.floor(3 * random()));
    await checkOptimum({ ...problem, weights }, 0.5);
    await checkOptimum({ ...problem, weights, softLabels }, 2);
  }
});

test('a weight of 2 is a row twice, and a weight of 0 no row', async () => {
  const problem = randomProblem('twice', { count: 30, length: 12, classes: 3 });
  const weights = Float64Array.from({ length: 30 }, (_, row) => row % 3);
  const rows = [...weights.keys()].flatMap((row) => new Array<number>(weights[row] as number).fill(row));
  const repeated = {
    ...problem,
    labels: rows.map((row) => problem.labels[row] as number),
    features: Float32Array.from(
      rows.flatMap((row) => [...problem.features.subarray(row * 12, row * 12 + 12)]),
    ),
  };
  const [one, other] = [await checkOptimum({ ...problem, weights }, 1), await checkOptimum(repeated, 1)];
  for (const [at, value] of one.coefficients.entries()) near(value, other.coefficients[at], 1e-6);
});

test('hard and soft labels of the same classes give the same fit', async () => {
  const problem = randomProblem('hard', { count: 60, length: 20, classes: 3 });
  const softLabels = Float32Array.from({ length: 180 }, (_, at) =>
    Number(problem.labels[Math.floor(at / 3)] === at % 3),
  );
  const hard = await fitLogisticRegression(problem, { C: 1 });
  const soft = await fitLogisticRegression({ ...problem, softLabels }, { C: 1 });
  for (const [at, value] of hard.coefficients.entries()) near(value, soft.coefficients[at], 1e-7);
});

test('duplicate rows, constant and duplicate features, far offsets and large scales change nothing', async () => {
  for (const count of [24, 160]) {
    const problem = randomProblem('odd', { count, length: 40, classes: 4 });
    const { features } = problem;
    for (let row = 0; row < count; row++) {
      features[row * 40] = 7;
      features[row * 40 + 1] = 0;
      features[row * 40 + 2] = features[row * 40 + 3] as number;
      features[row * 40 + 4] = 1000 + (features[row * 40 + 4] as number);
      features[row * 40 + 5] = 1000 * (features[row * 40 + 5] as number);
    }
    for (let row = 7; row < count; row += 4) features.copyWithin(row * 40, (row - 4) * 40, (row - 3) * 40);
    const { coefficients } = await checkOptimum(problem, 1);
    assert.ok(coefficients.subarray(0, 8).every((value) => value === 0));
  }
});

test('features of very different scales converge', async () => {
  const problem = randomProblem('scales', { count: 150, length: 30, classes: 3 });
  for (const spread of [1e3, 1e6, 1e12]) {
    const features = problem.features.map((value, at) => value * spread ** ((at % 30) / 30));
    const { isConverged, gradientNorm } = await fitLogisticRegression({ ...problem, features }, { C: 1 });
    assert.ok(isConverged, `spread ${spread}: ${gradientNorm}`);
  }
});

test('separable classes and extreme penalties end, and say whether they have converged', async () => {
  const problem = randomProblem('far', { count: 60, length: 20, classes: 3, distance: 5 });
  for (const C of [1e-12, 1e6, 1e12]) {
    const fit = await fitLogisticRegression(problem, { C });
    assert.ok([...fit.coefficients, ...fit.biases, fit.loss].every(Number.isFinite));
    assert.equal(fit.isConverged, fit.gradientNorm <= 1e-8);
    assert.ok(fit.isConverged, `C ${C}: ${fit.gradientNorm}`);
  }
  const early = await fitLogisticRegression(problem, { C: 1, maxEvaluations: 3 });
  assert.equal(early.isConverged, false);
});

test('features that do not vary give the shares of the classes', async () => {
  const problem = {
    features: new Float32Array(30).fill(2.5),
    length: 3,
    classes: 2,
    labels: [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
  };
  const { biases, coefficients, isConverged } = await fitLogisticRegression(problem, { C: 1 });
  assert.ok(isConverged, 'no convergence');
  assert.ok(coefficients.every((value) => value === 0));
  assert.ok(Math.abs((biases[0] as number) - (biases[1] as number) - Math.log(7 / 3)) < 1e-9);
});

test('a class without rows is never predicted, and changes nothing for others', async () => {
  const problem = randomProblem('absent', { count: 60, length: 20, classes: 3 });
  const without = await checkOptimum(problem, 1);
  const labels = [...(problem.labels as number[])].map((label) => (label === 2 ? 3 : label));
  const fit = await checkOptimum({ ...problem, labels, classes: 4 }, 1);
  assert.ok((fit.biases[2] as number) < -90);
  for (let j = 0; j < 20; j++) {
    assert.equal(fit.coefficients[j * 4 + 2], 0);
    assert.ok(
      Math.abs((fit.coefficients[j * 4 + 3] as number) - (without.coefficients[j * 3 + 2] as number)) < 1e-6,
    );
  }
});

test('refuses what cannot be fitted', async () => {
  const problem = randomProblem('refused', { count: 6, length: 4, classes: 2 });
  const refused = (change: Partial<LogisticRegressionProblem>, reason: RegExp, C = 1) =>
    assert.rejects(fitLogisticRegression({ ...problem, ...change }, { C }), {
      name: 'RangeError',
      message: reason,
    });
  const withOne = (value: number) =>
    Float32Array.from(problem.features, (one, at) => (at === 13 ? value : one));
  await refused({ features: withOne(Number.NaN) }, /features of row 3 are not finite/);
  await refused({ features: withOne(Number.NEGATIVE_INFINITY) }, /features of row 3 are not finite/);
  await refused({ features: new Float32Array(5) }, /6 x 4 numbers; received 5/);
  await refused({ labels: [0, 1, 0, 1, 0, 2] }, /from 0 to 1; received 2 for row 5/);
  await refused({ labels: [], features: new Float32Array() }, /no rows/);
  await refused(
    { weights: [1, 1, 1, 1, 1, -1] },
    /weights must be finite numbers of at least 0; received -1/,
  );
  await refused({ softLabels: new Float32Array(3) }, /softLabels must have 12 numbers/);
  for (const C of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await refused({}, /C must be a number above 0/, C);
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { balancedSetWeights } from '../../src/training/targets.ts';
import { fitOneVsRest } from '../../src/transfer/fit_one_vs_rest.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const [count, length, classes] = [90, 40, 4];

function problem() {
  const random = seedrandom('one vs rest');
  const labelSets = Array.from({ length: count }, () => [0, 1, 2].filter(() => random() < 0.4));
  const features = Float32Array.from({ length: count * length }, (_, at) => {
    const [row, j] = [Math.floor(at / length), at % length];
    const shift = (labelSets[row] as number[]).reduce((sum, label) => sum + Math.sin(j * (1 + label)), 0);
    return normal(random) + 0.5 * shift;
  });
  const head = {
    weights: new Float32Array(length * classes).fill(7),
    biases: new Float32Array(classes).fill(7),
  };
  const groups = [...labelSets.keys()];
  return { features, length, labelSets, classes, groups, head, seed: 1, threads: 1 };
}

for (const isBalanced of [false, true])
  test(`each class is the minimum of scikit-learn's LogisticRegression${isBalanced ? ', balanced' : ''}`, {
    skip: withoutPackage('sklearn'),
  }, async () => {
    const data = problem();
    const { labelSets, features } = data;
    const weights = isBalanced ? balancedSetWeights(labelSets.flat(), count, classes) : {};
    // The strength that each class chooses is its own: fits of one class at a time tell it.
    const Cs: number[] = [];
    for (const label of [0, 1, 2]) Cs.push((await fitOneVsRest({ ...data, ...weights, rows: [label] })).C);
    const fit = await fitOneVsRest({ ...data, ...weights, rows: [0, 1, 2] });
    assert.deepEqual([fit.C, fit.highestC ?? fit.C], [Math.min(...Cs), Math.max(...Cs)]);
    const file = join(temporaryFolder(), 'task.json');
    const rows = labelSets.map((_, row) => [...features.subarray(row * length, (row + 1) * length)]);
    const shown = labelSets.map((set) => [0, 1, 2].map((label) => Number(set.includes(label))));
    writeFileSync(file, JSON.stringify({ features: rows, shown, Cs, balanced: Cs.map(() => isBalanced) }));
    const theirs: { coefficients: number[]; bias: number }[] = runPython(
      new URL('one_vs_rest.py', import.meta.url),
      file,
    );
    for (const [label, { coefficients, bias }] of theirs.entries()) {
      const own = coefficients.map((_, j) => fit.weights[j * classes + label] as number);
      const distance = Math.hypot(...coefficients.map((value, j) => value - (own[j] as number)));
      assert.ok(distance / Math.hypot(...coefficients) < 1e-5, `class ${label} differs by ${distance}`);
      assert.ok(Math.abs((fit.biases[label] as number) - bias) < 1e-4);
      assert.equal(fit.weights[3], 7, 'a class that is not to be fitted stays');
    }
    assert.ok((fit.heldOut?.accuracy as number) > 0.3 && (fit.heldOut?.accuracy as number) <= 1);
  });

test('a class that no picture shows is never answered, one that all show always', async () => {
  const data = problem();
  const labelSets = data.labelSets.map((set) => [...set, 3].filter((label) => label !== 0));
  const { weights, biases } = await fitOneVsRest({ ...data, labelSets, rows: [0, 3] });
  for (let row = 0; row < count; row++)
    for (const [label, isAnswered] of [
      [0, false],
      [3, true],
    ] as const) {
      let logit = biases[label] as number;
      for (let j = 0; j < length; j++)
        logit += (weights[j * classes + label] as number) * (data.features[row * length + j] as number);
      assert.equal(logit > 20, isAnswered);
      assert.equal(logit < -20, !isAnswered);
    }
});

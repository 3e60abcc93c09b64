import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { fitLogisticRegression } from '../../src/transfer/logistic_regression.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

for (const [count, length, classes] of [
  [80, 200, 3],
  [300, 40, 5],
  [60, 60, 2],
  [120, 30, 40],
] as const)
  for (const C of [1e-4, 0.03, 1, 30])
    test(`${count} x ${length}, ${classes} classes, C ${C}: as scikit-learn`, {
      skip: withoutPackage('sklearn'),
    }, async () => {
      const random = seedrandom(`${count}/${length}`);
      const labels = Array.from({ length: count }, (_, row) => row % classes);
      const features = Float32Array.from({ length: count * length }, (_, at) => {
        const [row, j] = [Math.floor(at / length), at % length];
        return normal(random) + 0.4 * Math.sin(j * (1 + (labels[row] as number)));
      });
      const weights = labels.map((label) => 0.5 + (label % 3));
      const fit = await fitLogisticRegression(
        { features, length, classes, labels, weights },
        { C, tolerance: 1e-10 },
      );
      const file = join(temporaryFolder(), 'task.json');
      const rows = labels.map((_, row) => [...features.subarray(row * length, (row + 1) * length)]);
      // Its binary penalty is on the difference of two classes' coefficients, which has twice their squares.
      writeFileSync(file, JSON.stringify({ features: rows, labels, weights, C: classes === 2 ? 2 * C : C }));
      const theirs: { coefficients: number[]; biases: number[] } = runPython(
        new URL('scikit_learn.py', import.meta.url),
        file,
      );
      const distance = (a: ArrayLike<number>, b: number[]) =>
        Math.hypot(...b.map((value, i) => value - (a[i] as number)));
      const share = distance(fit.coefficients, theirs.coefficients) / Math.hypot(...theirs.coefficients);
      assert.ok(share < 1e-5, `coefficients differ by ${share}`);
      const biases = distance(fit.biases, theirs.biases) / (1 + Math.hypot(...theirs.biases));
      // Biases are not penalised, and scikit-learn ends where the loss changes no more in float64.
      assert.ok(biases < 1e-4, `biases differ by ${biases}`);
    });

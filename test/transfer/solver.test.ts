import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { Solver } from '../../src/transfer/logistic/solver.ts';

for (const [count, length, classes] of [
  [50, 70, 2],
  [301, 21, 3],
  [70, 90, 8],
  [37, 12, 9],
  [600, 30, 17],
] as const)
  for (const isSoft of [false, true])
    test(`float32 is near float64: ${count} x ${length}, ${classes} classes, soft labels ${isSoft}`, async () => {
      const random = seedrandom(`${count}/${classes}`);
      const labels = Array.from({ length: count }, (_, row) => row % classes);
      const features = Float32Array.from({ length: count * length }, () => 1 + normal(random));
      const softLabels = isSoft ? Float32Array.from({ length: count * classes }, random) : undefined;
      const weights = labels.map(() => 0.5 + random());
      const solver = new Solver({ features, length, classes, labels, softLabels, weights }, { threads: 1 });
      const rows = solver.orderedRows().filter((row) => row % 7 !== 3);
      const { start } = await solver.start(rows, 1);
      const task = {
        design: solver.design,
        rows,
        penalty: 0.1,
        start,
        gradientNorm: 0,
        share: 0.01,
        maxEvaluations: 500,
      };
      const [double, single] = await solver.solve([task, { ...task, isSingle: true }]);
      if (!double || !single) throw new Error('a task has no solution');
      assert.ok(single.evaluations < 200, `${single.evaluations} evaluations`);
      const near = (value: number, wanted: number) =>
        assert.ok(Math.abs(value - wanted) < 1e-4 * Math.abs(wanted), `${value} is not ${wanted}`);
      near(single.loss, double.loss);
      // At the same place, the same loss and gradient.
      const there = { ...task, start: double.parameters, maxEvaluations: 1 };
      const [a, b] = await solver.solve([there, { ...there, isSingle: true }]);
      near(b?.loss as number, a?.loss as number);
      const size = Math.hypot(...double.parameters);
      const apart = double.parameters.map((value, at) => value - (single.parameters[at] as number));
      assert.ok(Math.hypot(...apart) < 0.05 * size, `${Math.hypot(...apart)} of ${size}`);
    });

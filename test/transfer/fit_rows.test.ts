/** Rows of a head that are fitted beside others that stay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitRows } from '../../src/transfer/fit_rows.ts';
import { fitLogisticRegression } from '../../src/transfer/logistic_regression.ts';

const [pictures, length, classes] = [80, 6, 4];
const features = Float32Array.from(
  { length: pictures * length },
  (_, at) => Math.sin(at * at * 0.37 + at) + 0.2,
);
const labels = Array.from({ length: pictures }, (_, at) => (at * 7 + Math.floor(at / 9)) % classes);
const weights = Array.from({ length: pictures }, (_, at) => 0.5 + (at % 3));

for (const rows of [[1], [3, 0], [0, 1, 2]])
  test(`beside the others of the best head, rows ${rows} come out as in the best head`, async () => {
    const C = 2;
    const problem = { features, length, labels, classes, weights };
    const best = await fitLogisticRegression(problem, { C });
    const head = {
      weights: Float32Array.from(best.coefficients, (value, at) => (rows.includes(at % classes) ? 9 : value)),
      biases: Float32Array.from(best.biases, (value, at) => (rows.includes(at) ? 1 : value)),
    };
    const targets = new Float32Array(pictures * classes);
    for (const [picture, label] of labels.entries()) targets[picture * classes + label] = 1;
    const given = { features, length, classes, rows, head, targets, weights: Float32Array.from(weights), C };
    const fitted = fitRows(given);
    for (const [at, value] of best.coefficients.entries())
      assert.ok(Math.abs((fitted.weights[at] as number) - value) < 1e-4, `weight ${at}`);
    for (const [at, value] of best.biases.entries())
      assert.ok(Math.abs((fitted.biases[at] as number) - value) < 1e-4, `bias ${at}`);
    const stay = [0, 1, 2, 3].filter((one) => !rows.includes(one));
    for (const one of stay) assert.equal(fitted.biases[one], head.biases[one]);
  });

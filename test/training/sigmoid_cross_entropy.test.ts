import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { tf } from '../../src/tensors/tf.ts';
import { sigmoidCrossEntropy } from '../../src/training/sigmoid_cross_entropy.ts';
import { balancedSetWeights, targetsOf } from '../../src/training/targets.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const [rows, classes] = [9, 5];
const random = seedrandom('bce');
const labelSets = Array.from({ length: rows }, (_, row) =>
  [0, 1, 2, 3, 4].filter((label) => (row + label * label) % 3 === 0 && label !== 4),
);
const softLabels = Float32Array.from({ length: rows * classes }, (_, at) =>
  labelSets[Math.floor(at / classes)]?.includes(at % classes) ? 1 : 0,
);
const batch = {
  pixels: new Uint8Array(),
  labels: labelSets.map(([first = 0]) => first),
  labelSets,
  softLabels,
};
const extremes = [-300, 300, -90, 90, 20, -20];
/** Ordinary logits, and some at which exp overflows float32 or the loss rounds to 0. */
const logits = Float32Array.from({ length: rows * classes }, (_, at) =>
  at % 7 === 0 ? (extremes[at % 6] as number) : 8 * random() - 4,
);
const weights = balancedSetWeights(labelSets.flat(), rows, classes);
const cases = [
  targetsOf(batch, classes),
  targetsOf(batch, classes, { labelSmoothing: 0.1 }),
  targetsOf(batch, classes, { labelSmoothing: 0.2, ...weights }),
];

test('balanced weights are those of class_weight="balanced" for each class on its own', () => {
  // Of nine pictures three show the first class, and none the last.
  const shown = labelSets.filter((set) => set.includes(0)).length;
  assert.equal(weights.classWeights[0], rows / (2 * shown));
  assert.equal(weights.absentWeights[0], rows / (2 * (rows - shown)));
  assert.equal(weights.absentWeights[4], 1 / 2);
  assert.deepEqual([...(cases[1]?.probabilities.slice(0, 2) ?? [])], [...Float32Array.of(0.95, 0.05)]);
});

const engines: [EngineName, string | false][] = [
  ['cpu', false],
  ['wasm', false],
  ['native', withoutNative()],
];
for (const [name, skip] of engines)
  test(`${name}: the loss and its gradient are those of PyTorch's BCEWithLogitsLoss`, {
    skip: skip || withoutPackage('torch'),
  }, async () => {
    const file = join(temporaryFolder(), 'cases.json');
    const nested = (values: Float32Array) =>
      Array.from({ length: rows }, (_, row) => [...values.subarray(row * classes, (row + 1) * classes)]);
    const sent = cases.map(({ probabilities, weights }) => ({
      logits: nested(logits),
      targets: nested(probabilities),
      ...(weights && { weights: nested(weights) }),
    }));
    writeFileSync(file, JSON.stringify(sent));
    const theirs: { loss: number; gradient: number[] }[] = runPython(
      new URL('bce.py', import.meta.url),
      file,
    );
    const engine = await startEngine(name, { threads: 1 });
    for (const [index, targets] of cases.entries()) {
      const input = tf.tensor2d(logits, [rows, classes]);
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
        sigmoidCrossEntropy(x as tf.Tensor2D, targets),
      )(input);
      const { loss, gradient } = theirs[index] as (typeof theirs)[number];
      const own = value.dataSync()[0] as number;
      assert.ok(Math.abs(own - loss) <= 1e-6 * Math.max(1, loss), `${own} instead of ${loss}`);
      for (const [at, one] of grad.dataSync().entries())
        assert.ok(Math.abs(one - (gradient[at] as number)) < 1e-6, `${one} instead of ${gradient[at]}`);
    }
    await engine.dispose();
  });

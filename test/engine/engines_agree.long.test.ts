/** Twenty steps of the article's network from one seed: every engine, and Keras, learn the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const size = 16;
const batch = 6;
const steps = 20;
const classes = ['bat', 'sup', 'other'];
const learningRate = 1e-3;

/** Of a loss around 1, after twenty steps that each magnify what float32 has rounded. */
const lossTolerance = 1e-3;
/** Of the sum of a variable's absolute values: Adam moves a weight as far for a tiny gradient as for a large one. */
const weightTolerance = 1e-3;

const labels = Array.from({ length: steps * batch }, (_, index) => (index * 7) % classes.length);
/** Pictures that can be told apart: each class has a brightness of its own, under a pattern. */
const pixels = Uint8Array.from({ length: steps * batch * size * size * 3 }, (_, index) => {
  const label = labels[Math.floor(index / (size * size * 3))] as number;
  return (label * 60 + ((index * 7919) % 97)) % 256;
});

interface Learnt {
  losses: number[];
  /** Of each variable, the sum of its absolute values. */
  sums: number[];
}

async function learnOn(
  name: EngineName,
  save?: (name: string, shape: number[], values: Float32Array) => void,
) {
  const engine = await startEngine(name, { threads: 2 });
  const description = { architecture: 'article', width: size, height: size, channels: 3, classes } as const;
  const model = createModel(description, { seed: 4 });
  for (const [variableName, variable] of model.variables)
    save?.(variableName, variable.shape, variable.dataSync() as Float32Array);
  const adam = new Adam(model.variables);
  const losses = Array.from({ length: steps }, (_, index) => {
    const bytes = batch * size * size * 3;
    const one = {
      pixels: pixels.slice(index * bytes, (index + 1) * bytes),
      labels: labels.slice(index * batch, (index + 1) * batch),
    };
    return trainStep(model, adam, one, { step: index + 1, learningRate })().loss;
  });
  const sums = [...model.variables.values()].map((variable) =>
    [...variable.dataSync()].reduce((sum, value) => sum + Math.abs(value), 0),
  );
  adam.dispose();
  model.dispose();
  await engine.dispose();
  return { losses, sums };
}

function assertAgree(actual: Learnt, expected: Learnt): void {
  for (const [step, loss] of expected.losses.entries()) {
    const difference = Math.abs((actual.losses[step] as number) - loss);
    assert.ok(difference < lossTolerance, `the loss of step ${step + 1} differs by ${difference}`);
  }
  for (const [index, sum] of expected.sums.entries()) {
    const difference = Math.abs((actual.sums[index] as number) - sum) / sum;
    assert.ok(difference < weightTolerance, `variable ${index} differs by a share of ${difference}`);
  }
}

let plain: Promise<Learnt> | undefined;
const onPlainJavaScript = () => {
  plain ??= learnOn('cpu');
  return plain;
};

test('the embedded engine trains to the same weights as plain JavaScript', async () => {
  const expected = await onPlainJavaScript();
  assert.ok((expected.losses.at(-1) as number) < (expected.losses[0] as number) / 2, 'nothing was learnt');
  assertAgree(await learnOn('wasm'), expected);
});

test('the native engine trains to the same weights as plain JavaScript', {
  skip: withoutNative(),
}, async () => {
  assertAgree(await learnOn('native'), await onPlainJavaScript());
});

test('Keras trains to the same weights from the same start and batches', {
  skip: withoutPackage('keras') || withoutNative(),
}, async () => {
  const folder = temporaryFolder();
  const weights: { name: string; shape: number[]; file: string }[] = [];
  const ours = await learnOn('native', (name, shape, values) => {
    const file = join(folder, `${weights.length}.bin`);
    writeFileSync(file, values);
    weights.push({ name, shape, file });
  });
  const pixelFile = join(folder, 'pixels.bin');
  writeFileSync(pixelFile, pixels);
  const task = join(folder, 'task.json');
  const settings = { size, classes: classes.length, steps, batch, learningRate, labels };
  writeFileSync(task, JSON.stringify({ ...settings, weights, pixels: pixelFile }));
  assertAgree(ours, runPython(new URL('./keras_training.py', import.meta.url), task));
});

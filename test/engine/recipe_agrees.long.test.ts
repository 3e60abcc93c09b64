/** Steps of a residual network with everything that a recipe can turn on: every engine, and Keras, learn the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { createModel, type Model } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { learningRateAt } from '../../src/training/schedule.ts';
import { trainStep } from '../../src/training/step.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const size = 8;
const batch = 6;
const steps = 8;
/** Plain JavaScript takes a second a step. */
const fewSteps = 3;
const classes = ['bat', 'sup', 'other'];
const schedule = { learningRate: 0.01, learningRateSchedule: 'cosine', warmup: 0.25, epochs: 1 } as const;
const learningRates = Array.from({ length: steps }, (_, index) => learningRateAt(index + 1, schedule, steps));
const recipe = { weightDecay: 0.1, clipNorm: 0.5, labelSmoothing: 0.1, classWeights: [0.5, 1, 2] };
/** Seeds without a value so near to zero that rounding to float32 decides whether it passes a ReLU. */
const seeds = { native: 4, keras: 7 };
/** For a loss around 1, after steps that each magnify rounding errors of float32. */
const lossTolerance = 2e-3;
/** For the sum of a variable's absolute values. */
const weightTolerance = 5e-3;

const labels = Array.from({ length: steps * batch }, (_, index) => (index * 7) % classes.length);
const bytes = size * size * 3;
const pixels = Uint8Array.from({ length: steps * batch * bytes }, (_, index) => {
  const label = labels[Math.floor(index / bytes)] as number;
  return (label * 60 + ((index * 7919) % 97)) % 256;
});

interface Learnt {
  losses: number[];
  /** The sum of the absolute values of each variable and of what batch normalisation keeps. */
  sums: Record<string, number>;
}

/** In the order in which Keras has them: what a layer learns, then what it keeps. */
function tensorsOf({ layers, variables, state }: Model): [string, tf.Variable][] {
  const names = layers.flatMap((layer) =>
    [...layer.variables, ...(layer.state ?? [])].map(({ name }) => name),
  );
  return names.map((name) => [name, (variables.get(name) ?? state.get(name)) as tf.Variable]);
}

async function learnOn(
  name: EngineName,
  options: {
    seed?: number;
    dropout?: number;
    steps?: number;
    before?: (tensors: [string, tf.Variable][]) => void;
  } = {},
): Promise<Learnt> {
  const engine = await startEngine(name, { threads: 2 });
  const description = { architecture: 'residual', width: size, height: size, channels: 3, classes } as const;
  const model = createModel(description, { seed: options.seed ?? 4, dropout: options.dropout ?? 0 });
  options.before?.(tensorsOf(model));
  const adam = new Adam(model.variables, new Map(), recipe);
  const losses = learningRates.slice(0, options.steps).map((learningRate, index) => {
    const one = {
      pixels: pixels.slice(index * batch * bytes, (index + 1) * batch * bytes),
      labels: labels.slice(index * batch, (index + 1) * batch),
    };
    const { clipNorm } = recipe;
    return trainStep(model, adam, one, { step: index + 1, learningRate, objective: recipe, clipNorm })().loss;
  });
  const sums = tensorsOf(model).map(([variable, tensor]): [string, number] => [
    variable,
    [...tensor.dataSync()].reduce((sum, value) => sum + Math.abs(value), 0),
  ]);
  adam.dispose();
  model.dispose();
  await engine.dispose();
  return { losses, sums: Object.fromEntries(sums) };
}

function assertAgree(actual: Learnt, expected: Learnt): void {
  for (const [step, loss] of expected.losses.entries()) {
    const difference = Math.abs((actual.losses[step] as number) - loss);
    assert.ok(difference < lossTolerance, `the loss of step ${step + 1} differs by ${difference}`);
  }
  assert.deepEqual(Object.keys(actual.sums), Object.keys(expected.sums));
  for (const [name, sum] of Object.entries(expected.sums)) {
    const difference = Math.abs((actual.sums[name] as number) - sum) / sum;
    assert.ok(difference < weightTolerance, `${name} differs by a share of ${difference}`);
  }
}

test('the native engine trains to the same weights as the embedded one, dropout included', {
  skip: withoutNative(),
}, async () => {
  const options = { seed: seeds.native, dropout: 0.3 };
  const expected = await learnOn('wasm', options);
  assert.ok((expected.losses.at(-1) as number) < (expected.losses[0] as number), 'nothing was learnt');
  assertAgree(await learnOn('native', options), expected);
});

test('plain JavaScript trains to the same weights as the embedded engine', async () => {
  const options = { dropout: 0.3, steps: fewSteps };
  assertAgree(await learnOn('cpu', options), await learnOn('wasm', options));
});

test('Keras trains to the same weights from the same start and batches', {
  skip: withoutPackage('keras'),
}, async () => {
  const folder = temporaryFolder();
  const weights: { name: string; shape: number[]; file: string }[] = [];
  const ours = await learnOn('wasm', {
    seed: seeds.keras,
    before: (tensors) => {
      for (const [name, tensor] of tensors) {
        const file = join(folder, `${weights.length}.bin`);
        writeFileSync(file, tensor.dataSync() as Float32Array);
        weights.push({ name, shape: tensor.shape, file });
      }
    },
  });
  const pixelFile = join(folder, 'pixels.bin');
  writeFileSync(pixelFile, pixels);
  const task = { size, classes: classes.length, steps, batch, learningRates, labels, ...recipe };
  const file = join(folder, 'task.json');
  writeFileSync(file, JSON.stringify({ ...task, weights, pixels: pixelFile }));
  assertAgree(ours, runPython(new URL('./keras_recipe.py', import.meta.url), file));
});

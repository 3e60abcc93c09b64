/** Ten steps of fine-tuning on every engine, against PyTorch from the same start. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';
import { computeOn, machines } from '../engine/every_engine.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { mbconvNetwork, trainedWeights } from '../helpers/mbconv.ts';
import { withoutNative } from '../helpers/native.ts';
import { picturesFor } from '../helpers/network.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const description = mbconvNetwork(22, 18);
const layers = description.layers ?? [];
const steps = 10;
const batchSize = 6;
const learningRate = 1e-3;
const pixels = picturesFor(description, steps * batchSize);
const bytes = pixels.length / steps;
const labels = Array.from({ length: steps }, (_, step) =>
  Array.from({ length: batchSize }, (_, row) => (step * 5 + row * 7) % 3),
);

interface Case {
  name: string;
  frozen: string[];
  /** Of the learning rate, by layer. */
  factors: Record<string, number>;
}

const cases: Case[] = [
  { name: 'whole', frozen: [], factors: {} },
  { name: 'the upper half', frozen: layers.slice(0, 15).map(({ name }) => name), factors: {} },
  {
    name: 'every second layer',
    frozen: layers.filter((_, index) => index % 2 === 0).map(({ name }) => name),
    factors: {},
  },
  {
    name: 'with factors',
    frozen: [],
    factors: Object.fromEntries(layers.map(({ name }, index) => [name, 0.9 ** (layers.length - index)])),
  },
];

/** Losses, and the sum of the absolute values of each layer's variables. */
function learn({ frozen, factors }: Case) {
  const options = { restored: trainedWeights(description), frozen, frozenStatistics: true };
  const model = createModel(description, options);
  const byVariable = layers.flatMap(({ name, variables }) =>
    variables.map((variable): [string, number] => [variable.name, factors[name] ?? 1]),
  );
  const adam = new Adam(model.variables, new Map(), { learningRates: new Map(byVariable) });
  const losses = labels.map((own, index) => {
    const batch = { pixels: pixels.slice(index * bytes, (index + 1) * bytes), labels: own };
    return trainStep(model, adam, batch, { step: index + 1, learningRate })().loss;
  });
  const sums: Record<string, number> = {};
  for (const { name, variables } of layers) {
    const values = variables.flatMap((one) => [
      ...((model.variables.get(one.name) ?? model.frozen.get(one.name))?.dataSync() ?? []),
    ]);
    sums[name] = values.reduce((sum, value) => sum + Math.abs(value), 0);
  }
  adam.dispose();
  model.dispose();
  return { losses, sums };
}

for (const one of cases) {
  test(`${one.name}: PyTorch's losses and weights`, { skip: withoutPackage('torch') }, async () => {
    const folder = temporaryFolder();
    const weights = trainedWeights(description);
    const tensors = layers.flatMap(({ variables, state = [] }) => [...variables, ...state]);
    writeFileSync(
      join(folder, 'weights.bin'),
      Buffer.concat(tensors.map(({ name }) => Buffer.from((weights.get(name) as Float32Array).buffer))),
    );
    writeFileSync(join(folder, 'pixels.bin'), pixels);
    const { width, height } = description;
    const task = {
      layers,
      tensors,
      weights: join(folder, 'weights.bin'),
      pixels: join(folder, 'pixels.bin'),
      shape: [steps, batchSize, height, width, 3],
      labels,
      learningRate,
      frozen: one.frozen,
      factors: one.factors,
    };
    writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
    const theirs = runPython(new URL('./fine_tuning.py', import.meta.url), join(folder, 'task.json'));
    for (const machine of machines) {
      const ours = await computeOn(machine, () => learn(one));
      for (const [index, loss] of ours.losses.entries())
        assert.ok(
          Math.abs(loss - theirs.losses[index]) < 1e-4,
          `${machine.engine}, step ${index + 1}: ${loss}, not ${theirs.losses[index]}`,
        );
      for (const [name, sum] of Object.entries(ours.sums))
        assert.ok(
          Math.abs(sum - theirs.sums[name]) <= 1e-4 * sum,
          `${machine.engine}, ${name}: ${sum}, not ${theirs.sums[name]}`,
        );
    }
  });
}

test('the native engine computes the same bits on any number of threads', { skip: withoutNative() }, () => {
  const script = fileURLToPath(new URL('./losses_on_threads.ts', import.meta.url));
  const on = (threads: number) => {
    const environment = { ...process.env, OMP_NUM_THREADS: String(threads) };
    const options = { encoding: 'utf8', env: environment, maxBuffer: 1 << 26 } as const;
    return execFileSync(process.execPath, ['--import', 'tsx', script, String(threads)], options);
  };
  const expected = on(1);
  for (const threads of [2, 3, 5]) assert.equal(on(threads), expected, `${threads} threads`);
});

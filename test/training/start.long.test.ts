/** Ten steps of training on an imported network, against PyTorch and Keras, which have made it, from the same batches. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaults } from '../../src/config/index.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { valuesOf } from '../../src/formats/network.ts';
import { createModel, type ModelOptions } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { freezing } from '../../src/training/network.ts';
import { trainStep } from '../../src/training/step.ts';
import { withClasses } from '../../src/transfer/new_head.ts';
import { computeOn } from '../engine/every_engine.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { picturesFor } from '../helpers/network.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

/**
 * Adam turns the rounding of gradients near 0 into whole steps. From these weights, at this rate, the losses of PyTorch's own
 * float32 stay within 5e-5 of its float64; at 1e-4, from weights that amplify rounding, they are up to 0.05 apart.
 */
const learningRate = 5e-6;
const [steps, batchSize, side] = [10, 8, 64];
const classes = ['class1', 'class2', 'class3'];
const sizes = { width: side, height: side, channels: 3 as const, classes };
const pixels = picturesFor({ ...sizes, architecture: 'layers' }, steps * batchSize);
const labels = Array.from({ length: steps }, (_, step) =>
  Array.from({ length: batchSize }, (_, row) => (step * 5 + row * 7) % classes.length),
);

interface Case {
  name: string;
  /** How many parts of PyTorch's network do not learn, or the last of Keras's layers that does not. */
  parts?: number;
  layer?: string;
  /** Whether batch normalisations use the batch's statistics where they learn. */
  statistics: boolean;
  /** The same, as --freeze says it. */
  freeze: string[];
}

const whole = (statistics: boolean): Case => ({
  name: statistics ? 'whole' : 'whole, with frozen statistics',
  ...{ parts: 0, statistics, freeze: [] },
});

const others = [
  {
    by: 'PyTorch',
    network: 'resnet18',
    file: 'onnx',
    packages: ['torch', 'torchvision', 'onnx'],
    // Up to layer2, which has two blocks as layer1 does.
    frozen: { parts: 4, freeze: ['..add4'] },
  },
  {
    by: 'PyTorch',
    network: 'mobilenet_v2',
    file: 'onnx',
    packages: ['torch', 'torchvision', 'onnx'],
    // The stem, a block with two convolutions, and five with three.
    frozen: { parts: 7, freeze: ['..norm18'] },
  },
  {
    by: 'Keras',
    network: 'MobileNetV2',
    file: 'keras',
    packages: ['keras', 'tensorflow'],
    frozen: { layer: 'block_5_project_BN', freeze: ['..norm18'] },
  },
];

for (const { by, network, file, packages, frozen } of others) {
  test(`${network}, imported from ${by}, learns as it does there`, {
    skip: withoutPackage(...packages),
  }, async () => {
    const folder = temporaryFolder();
    const source = join(folder, `start.${file}`);
    const cases: Case[] = [whole(true), whole(false), { name: 'frozen', statistics: true, ...frozen }];
    const task = {
      ...{ network, cases, learningRate, labels, classes: classes.length, [file]: source },
      pixels: join(folder, 'pixels'),
      shape: [steps, batchSize, side, side, 3],
    };
    writeFileSync(task.pixels, pixels);
    writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
    const script = by === 'Keras' ? 'start_keras.py' : 'start_torch.py';
    const expected: Record<string, number[]> = runPython(
      new URL(script, import.meta.url),
      join(folder, 'task.json'),
    );
    const engines = withoutNative() ? (['wasm'] as const) : (['wasm', 'native'] as const);
    for (const engine of engines)
      await computeOn({ engine, threads: 2 }, async () => {
        const imported = await importNetwork(source, { preprocessing: { scale: 1 / 255 } });
        const { model, layers, preprocessing } = imported.network;
        const start = {
          description: { ...model, layers },
          weights: valuesOf(imported.network),
          preprocessing,
        };
        for (const one of cases) {
          const losses = learn(start, one, learningRate);
          for (const [index, loss] of (expected[one.name] as number[]).entries())
            assert.ok(
              Math.abs((losses[index] as number) - loss) < 1e-3,
              `${engine}, ${one.name}, step ${index + 1}: ${losses}, not ${expected[one.name]}`,
            );
        }
        // What the steps have learned is more than what is tolerated.
        const last = [learningRate, 0].map((rate) => learn(start, whole(false), rate).at(-1) as number);
        assert.ok(Math.abs((last[0] as number) - (last[1] as number)) > 0.005, String(last));
      });
  });
}

function learn(
  start: Parameters<typeof withClasses>[0],
  { freeze, statistics }: Case,
  learningRate: number,
): number[] {
  const { description, weights, change } = withClasses(start, sizes);
  assert.equal(change.known.length, classes.length);
  const settings = { ...defaults, from: 'start', freeze };
  const frozen: ModelOptions =
    freeze.length > 0 ? freezing(description, settings) : { frozenStatistics: !statistics };
  const model = createModel(description, {
    restored: weights,
    preprocessing: start.preprocessing,
    ...frozen,
  });
  const adam = new Adam(model.variables);
  const bytes = pixels.length / steps;
  const losses = labels.map((own, index) => {
    const batch = { pixels: pixels.slice(index * bytes, (index + 1) * bytes), labels: own };
    return trainStep(model, adam, batch, { step: index + 1, learningRate })().loss;
  });
  adam.dispose();
  model.dispose();
  return losses;
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Engine, type EngineName, startEngine } from '../../src/engine/index.ts';
import { decodePicture } from '../../src/images/decode.ts';
import { createModel } from '../../src/models/model.ts';
import { openEventWriter } from '../../src/tensorboard/index.ts';
import { Adam } from '../../src/training/adam.ts';
import { watchNetwork, writeWeights } from '../../src/training/log/network_details.ts';
import { trainStep } from '../../src/training/step.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const readEvents = new URL('../tensorboard/read_events.py', import.meta.url);
const size = { width: 40, height: 40, channels: 3, fit: 'fill' } as const;
const description = { ...size, architecture: 'article', classes: ['animal', 'food'] } as const;

async function pictures() {
  const names = ['bat', 'pizza', 'dog', 'taco'];
  const decoded = names.map(async (name) => decodePicture(await emoji(name, 40).toBuffer(), size));
  return { pixels: Buffer.concat(await Promise.all(decoded)), labels: [0, 1, 0, 1] };
}

/** Three steps; where `logged`, looking into the second. @returns the weights and moments after them, and the log. */
async function learn(logged: boolean) {
  const model = createModel({ ...description, classes: [...description.classes] });
  const adam = new Adam(model.variables);
  const batch = await pictures();
  const folder = join(temporaryFolder(), 'run');
  const writer = await openEventWriter(folder);
  for (let step = 1; step <= 3; step++) {
    const watch = logged && step === 2 ? watchNetwork(writer, model, step) : undefined;
    trainStep(model, adam, batch, { step, learningRate: 0.001, watch })();
    if (logged) await writeWeights(writer, model, step);
  }
  await writer.close();
  const weights = [...model.variables.values()].map((variable) => variable.dataSync().slice());
  const moments = adam.snapshot().map(({ read }) => read().slice());
  adam.dispose();
  model.dispose();
  return { weights, moments, folder };
}

const engines: { name: EngineName; skip: string | false }[] = [
  { name: 'wasm', skip: false },
  { name: 'native', skip: withoutNative() },
];

for (const { name, skip } of engines) {
  describe(`a log of the engine ${name}`, { skip }, () => {
    let engine: Engine;
    before(async () => {
      engine = await startEngine(name, { threads: 2 });
    });
    after(() => engine.dispose());

    test('does not change the training', async () => {
      const [plain, logged] = [await learn(false), await learn(true)];
      assert.deepEqual(logged.weights, plain.weights);
      assert.deepEqual(logged.moments, plain.moments);
    });

    test('has histograms of every layer and variable', { skip: withoutPackage('tensorboard') }, async () => {
      const { folder } = await learn(true);
      const { histograms, images } = runPython(readEvents, folder)['.'];
      const layers = ['conv1', 'pool1', 'relu1', 'conv2', 'conv3', 'relu3', 'fc1', 'relu4', 'logits'];
      for (const layer of layers) {
        const [[step, table]] = histograms[`activations/${layer}`];
        assert.equal(step, 2);
        // Rectified: nothing is below zero.
        if (layer.startsWith('relu')) assert.equal(table[0][0], 0, layer);
      }
      const counts: Record<string, number> = {
        'gradients/fc1/weights': 1600 * 1024,
        'weights/fc1': 1600 * 1024,
        'weights/conv1': 5 * 5 * 3 * 16,
        'biases/logits': 2,
      };
      for (const [tag, expected] of Object.entries(counts)) {
        const [, table] = histograms[tag][0];
        const count = table.reduce((sum: number, [, , one]: number[]) => sum + (one as number), 0);
        assert.equal(Math.round(count), expected, tag);
      }
      assert.equal(images['filters/conv1'].length, 3);
    });
  });
}

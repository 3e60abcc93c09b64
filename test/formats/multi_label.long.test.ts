/** Exports of networks whose classes do not exclude each other: sigmoids where others have a softmax. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadTensors } from '../../src/checkpoints/index.ts';
import { readManifest } from '../../src/checkpoints/manifest.ts';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { type Format, formats, type Network } from '../../src/formats/index.ts';
import { saveImported } from '../../src/formats/network.ts';
import { loadPredictor } from '../../src/predict/load_predictor.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription, compare, logitsOf, networkOf, picturesFor } from '../helpers/network.ts';
import { inside, outside } from '../helpers/network_cases.ts';
import { askPython, exportAll } from '../helpers/other_side.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const thresholds = [0.25, 0.5, 0.875];
let network: Network;

before(async () => {
  await startEngine('wasm', { threads: 1 });
  network = {
    ...networkOf({ ...articleDescription, isMultiLabel: true }),
    temperature: 1,
    thresholds,
  };
});

interface Answer {
  logits: number[][];
  probabilities: number[][];
}

function assertSigmoids({ logits, probabilities }: Answer, pixels: Uint8Array): void {
  const { difference, spread } = compare(logitsOf(network, pixels), logits);
  assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
  for (const [row, values] of probabilities.entries())
    for (const [label, value] of values.entries()) {
      const expected = 1 / (1 + Math.exp(-(logits[row]?.[label] as number)));
      assert.ok(Math.abs(value - expected) < 1e-6, `${value} instead of ${expected}`);
    }
  // They do not add up to 1.
  assert.ok(
    probabilities.some((values) => Math.abs(values.reduce((sum, value) => sum + value, 0) - 1) > 0.01),
  );
}

test('ONNX Runtime computes sigmoids', { skip: withoutPackage('onnxruntime', 'onnx') }, async () => {
  const asked = await exportAll('onnx', [['several', network]], [inside, outside]);
  const answers = askPython<Answer>(new URL('onnx/run.py', import.meta.url), asked);
  for (const [index, answer] of answers.entries()) assertSigmoids(answer, asked[index]?.pixels as Uint8Array);
});

test('LiteRT computes sigmoids', { skip: withoutPackage('tensorflow') }, async () => {
  const asked = await exportAll('tflite', [['several', network]], [inside]);
  const [answer] = askPython<Answer>(new URL('tflite/run.py', import.meta.url), asked);
  assertSigmoids(answer as Answer, asked[0]?.pixels as Uint8Array);
});

test('TensorFlow computes sigmoids', { skip: withoutPackage('tensorflow') }, async () => {
  const folder = temporaryFolder();
  await exportNetwork(network, formats['saved-model'] as Format, join(folder, 'model'));
  const pixels = picturesFor(network.model, 3);
  writeFileSync(join(folder, 'pixels'), pixels);
  const shape = JSON.stringify([3, network.model.height, network.model.width, 3]);
  const script = new URL('multi_label.py', import.meta.url);
  assertSigmoids(runPython(script, join(folder, 'model'), join(folder, 'pixels'), shape), pixels);
});

for (const [name, format] of Object.entries(formats)) {
  // web is tfjs with a page.
  if (!format.export || !format.import || name === 'web') continue;
  test(`${name}: an export that is imported again answers from the same thresholds`, async () => {
    const folder = temporaryFolder();
    const file = join(folder, format.output);
    await exportNetwork(network, format, file);
    const { network: back } = await importNetwork(file);
    assert.equal(back.model.isMultiLabel, true);
    assert.deepEqual(back.thresholds, thresholds);
    const pixels = picturesFor(network.model, 3);
    const { difference, spread } = compare(logitsOf(network, pixels), logitsOf(back, pixels));
    assert.ok(difference <= 1e-5 * spread);
    const settings = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
    const checkpoint = await saveImported(back, join(folder, 'run'), settings);
    const manifest = await readManifest(checkpoint);
    assert.deepEqual([manifest.model.isMultiLabel, manifest.thresholds], [true, thresholds]);
    assert.ok((await loadTensors({ folder: checkpoint, manifest }, 'weights.bin')).size > 0);
    const predictor = await loadPredictor(checkpoint);
    assert.deepEqual(predictor.thresholds, thresholds);
    predictor.dispose();
  });
}

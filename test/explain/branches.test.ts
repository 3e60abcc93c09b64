/** Which layer Grad-CAM looks at in networks of branches, and with squeeze-and-excitation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { gradCam } from '../../src/explain/grad_cam.ts';
import { type ModelTools, modelTools, NetworkPlan, type Value } from '../../src/layers/index.ts';
import type { Predictor } from '../../src/predict/predictor.ts';
import { predictorOf } from '../helpers/predictor.ts';

const size = 9;

function convolve(tools: ModelTools, maps: Value, outputChannels: number): Value {
  const options = { kernel: 3, inputChannels: maps.shape[3] as number, outputChannels, stride: 1 };
  return tools.activationLayer(tools.convLayer(maps, options), { function: 'swish' });
}

/** Two branches, and for DenseNet's end a normalisation. */
function branches(tools: ModelTools, pictures: Value): Value {
  const stem = convolve(tools, pictures, 4);
  return tools.batchNormLayer(tools.concatLayer([convolve(tools, stem, 3), stem]));
}

/** A convolution and a squeeze-and-excitation, whose convolutions come after it. */
function excited(tools: ModelTools, pictures: Value): Value {
  const maps = convolve(tools, pictures, 6);
  const means = tools.globalAveragePoolingLayer(maps, { keepDimensions: true });
  return tools.multiplyLayer(maps, convolve(tools, means, 6));
}

function networkWith(write: (tools: ModelTools, pictures: Value) => Value): Predictor {
  const plan = new NetworkPlan();
  const tools = modelTools(plan);
  const maps = write(tools, { shape: [-1, size, size, 3] });
  const inputs = maps.shape[3] as number;
  tools.fullyConnectedLayer(tools.globalAveragePoolingLayer(tools.activationLayer(maps)), {
    inputs,
    outputs: 2,
  });
  const classes = ['one', 'two'];
  return predictorOf({
    architecture: 'layers',
    width: size,
    height: size,
    channels: 3,
    classes,
    layers: plan.layers,
  });
}

const cases: [name: string, write: typeof branches, layer: string][] = [
  ['branches put together and normalised', branches, 'norm1'],
  ['a convolution of maps, not of their means', excited, 'conv1'],
];

for (const [name, write, layer] of cases)
  test(`Grad-CAM looks at ${name}`, async () => {
    const engine = await startEngine('wasm', { threads: 1 });
    const model = networkWith(write);
    const looked = new Set<string>();
    const forward: Predictor['forward'] = (pictures, watch) =>
      model.forward(pictures, (at, output) => {
        const other = watch?.(at, output);
        if (other) looked.add(at);
        return other;
      });
    const picture = Uint8Array.from({ length: size * size * 3 }, (_, index) => (index * 7919) % 251);
    const heats = await Promise.all([0, 1].map((index) => gradCam({ ...model, forward }, picture, index)));
    assert.deepEqual([...looked], [layer]);
    // One of the two classes has something that speaks for it, at some places more than at others.
    assert.ok(heats.some((heat) => heat.includes(1) && new Set(heat).size > size));
    model.dispose();
    await engine.dispose();
  });

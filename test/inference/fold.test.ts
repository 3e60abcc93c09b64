import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupBlocks } from '../../src/inference/blocks.ts';
import { fold } from '../../src/inference/fold.ts';
import {
  type LayerSummary,
  type ModelTools,
  modelTools,
  NetworkPlan,
  type Value,
  variablesOf,
} from '../../src/layers/index.ts';
import { planArchitecture } from '../../src/models/plan.ts';

/** A network as `write` makes it of pictures [4, 6, 2], with the weights 1, 2, 3 ... in each variable. */
function networkWith(write: (tools: ModelTools, pictures: Value) => unknown) {
  const plan = new NetworkPlan();
  write(modelTools(plan), { shape: [-1, 4, 6, 2] });
  return { layers: plan.layers, weights: countingWeights(plan.layers) };
}

function countingWeights(layers: LayerSummary[]): Map<string, Float32Array> {
  const entries = layers.flatMap(variablesOf).map(({ name, shape }): [string, Float32Array] => {
    const size = shape.reduce((product, length) => product * length, 1);
    return [name, Float32Array.from({ length: size }, (_, index) => index + 1)];
  });
  return new Map(entries);
}

const pointwise = { kernel: 1, inputChannels: 2, outputChannels: 2, stride: 1 };

test('a convolution takes in batch normalisation, an added layer and an activation', () => {
  const { layers, weights } = networkWith((tools, pictures) => {
    const first = tools.activationLayer(tools.convLayer(pictures, pointwise));
    const maps = tools.batchNormLayer(tools.convLayer(first, { ...pointwise, biases: false }), {
      epsilon: 0.25,
    });
    return tools.activationLayer(tools.addLayer(maps, first), { function: 'relu6' });
  });
  const steps = fold(layers, weights);
  assert.deepEqual(
    steps.map(({ name, kind, inputs, residual, activation }) => [name, kind, inputs, residual, activation]),
    [
      ['relu1', 'conv', [], undefined, { function: 'relu' }],
      ['activation1', 'conv', ['relu1'], 'relu1', { function: 'relu6' }],
    ],
  );
  // scale 1, 2; offset 1, 2; mean 1, 2; variance 1, 2; so the slopes are 1 / sqrt(1.25) and 2 / sqrt(2.25).
  const slopes = [1 / Math.sqrt(1.25), 2 / Math.sqrt(2.25)] as const;
  const { weights: filter, biases } = steps[1]?.variables ?? {};
  assert.deepEqual(
    filter?.values,
    Float32Array.of(slopes[0], 2 * slopes[1], 3 * slopes[0], 4 * slopes[1]),
    'weights',
  );
  assert.deepEqual(biases?.values, Float32Array.of(1 - slopes[0], 2 - 2 * slopes[1]), 'biases');
  assert.equal(steps[1]?.attributes.biases, true);
});

test('the given weights and layers are not changed', () => {
  const { layers, weights } = networkWith((tools, pictures) =>
    tools.batchNormLayer(tools.convLayer(pictures, { ...pointwise, biases: false })),
  );
  const before = structuredClone({ layers, weights });
  fold(layers, weights);
  assert.deepEqual({ layers, weights }, before);
});

const unfolded: Record<string, (tools: ModelTools, pictures: Value) => unknown> = {
  'batch normalisation after an activation': (tools, pictures) =>
    tools.batchNormLayer(tools.activationLayer(tools.convLayer(pictures, pointwise))),
  'a layer that is read twice': (tools, pictures) => {
    const maps = tools.convLayer(pictures, pointwise);
    return tools.addLayer(maps, tools.activationLayer(maps));
  },
  'a layer added to itself': (tools, pictures) => {
    const maps = tools.convLayer(pictures, pointwise);
    return tools.addLayer(maps, maps);
  },
  'a layer added after the activation': (tools, pictures) => {
    const maps = tools.activationLayer(tools.convLayer(pictures, pointwise));
    return tools.addLayer(maps, tools.activationLayer(tools.convLayer(maps, pointwise)));
  },
  'batch normalisation of the pictures': (tools, pictures) => tools.batchNormLayer(pictures),
};

for (const [what, write] of Object.entries(unfolded))
  test(`not folded: ${what}`, () => {
    const { layers, weights } = networkWith(write);
    const last = fold(layers, weights).at(-1);
    assert.equal(last?.name, layers.at(-1)?.name);
    assert.equal(last?.kind, layers.at(-1)?.kind);
  });

test('a step may add only what is computed before it', () => {
  const { layers, weights } = networkWith((tools, pictures) => {
    const early = tools.convLayer(pictures, pointwise);
    const late = tools.poolingLayer(pictures, { kernel: 1, stride: 1 });
    return tools.addLayer(early, late);
  });
  assert.deepEqual(
    fold(layers, weights).map(({ kind }) => kind),
    ['conv', 'pool', 'add'],
  );
});

test('EfficientNet-Lite becomes a stem, blocks, a head, the features and the logits', () => {
  const sizes = { width: 64, height: 64, channels: 3 as const, classes: ['bat', 'sup'] };
  const { layers } = planArchitecture('efficientnet-lite0', sizes);
  const steps = groupBlocks(fold(layers, countingWeights(layers)));
  const kinds = steps.map((step) => ('kind' in step ? step.kind : 'block'));
  const blocks = Array<string>(16).fill('block');
  assert.deepEqual(kinds, ['conv', ...blocks, 'conv', 'globalAveragePool', 'fullyConnected']);
  const residuals = steps.map((step) => !('kind' in step) && step.residual);
  assert.equal(residuals.filter(Boolean).length, 9);
  assert.deepEqual(
    steps.map(({ inputs }) => inputs),
    [[], ...steps.slice(0, -1).map(({ name }) => [name])],
  );
});

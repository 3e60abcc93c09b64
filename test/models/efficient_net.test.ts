import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engine/index.ts';
import type { LayerSummary } from '../../src/layers/index.ts';
import { createModel } from '../../src/models/model.ts';
import { planArchitecture } from '../../src/models/plan.ts';

before(() => startEngine('cpu', { threads: 1 }));

const thousand = Array.from({ length: 1000 }, (_, index) => `class ${index}`);
const planned = (size: number, side: number) =>
  planArchitecture(`efficientnet-lite${size}`, { width: side, height: side, channels: 3, classes: thousand })
    .layers;

const elements = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
const parameters = (layers: LayerSummary[]) =>
  layers.flatMap(({ variables }) => variables).reduce((sum, { shape }) => sum + elements(shape), 0);
const ofKind = (layers: LayerSummary[], kind: string) => layers.filter((layer) => layer.kind === kind);

test('the three sizes have the published numbers of parameters', () => {
  // 4.7, 5.4 and 6.1 million in the reference implementation's table.
  const counted = [planned(0, 224), planned(1, 240), planned(2, 260)].map(parameters);
  assert.deepEqual(counted, [4_652_008, 5_416_680, 6_092_072]);
});

test('stages halve the maps five times and end in 1280 channels', () => {
  const sides = (layers: LayerSummary[]) =>
    [...ofKind(layers, 'conv').slice(0, 1), ...ofKind(layers, 'depthwiseConv')].map(
      ({ outputShape }) => outputShape[0],
    );
  const distinct = [224, 260, 33].map((side) => [...new Set(sides(planned(0, side)))]);
  assert.deepEqual(distinct, [
    [112, 56, 28, 14, 7],
    [130, 65, 33, 17, 9],
    [17, 9, 5, 3, 2],
  ]);
  for (const size of [0, 1, 2])
    assert.deepEqual(ofKind(planned(size, 64), 'conv').at(-1)?.outputShape, [2, 2, 1280]);
});

test('blocks are expansion, depthwise and projection, with their input added where the shapes are the same', () => {
  const layers = planned(0, 64);
  const named = new Map(layers.map((layer) => [layer.name, layer]));
  assert.deepEqual(
    layers.slice(0, 18).map(({ name }) => name),
    [
      ...['conv1', 'norm1', 'activation1'],
      ...['depthwise1', 'norm2', 'activation2', 'conv2', 'norm3'],
      ...['conv3', 'norm4', 'activation3', 'depthwise2', 'norm5', 'activation4', 'conv4', 'norm6'],
      ...['conv5', 'norm7'],
    ],
  );
  assert.deepEqual(named.get('add1')?.inputs, ['norm9', 'norm6']);
  assert.deepEqual(
    [0, 1, 2].map((size) => ofKind(planned(size, 64), 'add').length),
    [9, 14, 14],
  );
  assert.ok(ofKind(layers, 'activation').every(({ attributes }) => attributes.function === 'relu6'));
  assert.ok(ofKind(layers, 'batchNorm').every(({ attributes }) => attributes.epsilon === 1e-3));
  assert.ok(layers.every(({ attributes }) => attributes.biases !== true || attributes.outputs === 1000));
  assert.ok(layers.every(({ attributes }) => (attributes.padding ?? 'same') === 'same'));
});

test('it computes logits of any size of picture, grey ones as well', () => {
  for (const channels of [1, 3] as const) {
    const description = { width: 20, height: 9, channels, classes: ['bat', 'sup'] };
    const model = createModel({ ...description, architecture: 'efficientnet-lite0' });
    const logits = model.forward(tf.ones([2, 9, 20, channels]) as tf.Tensor4D);
    assert.deepEqual(logits.shape, [2, 2]);
    assert.ok(logits.dataSync().every(Number.isFinite));
    model.dispose();
  }
});

/** On every engine: a folded network gives the answers of the network itself, one layer after the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../src/formats/index.ts';
import { valuesOf } from '../../src/formats/network.ts';
import { createFoldedModel, type FoldedModel } from '../../src/inference/model.ts';
import { createModel, type ModelDescription } from '../../src/models/model.ts';
import { computeOn, machines } from '../engine/every_engine.ts';
import { evenly, networkOf } from '../helpers/network.ts';
import { networkCasesBeyondTfjs } from '../helpers/network_cases.ts';

const efficientNet: ModelDescription = {
  architecture: 'efficientnet-lite0',
  width: 45,
  height: 38,
  channels: 3,
  classes: ['bat', 'sup'],
};

const cases = (): [string, Network][] => [
  ...networkCasesBeyondTfjs(),
  ['efficientnet-lite0', networkOf(efficientNet)],
];

function picturesFor({ model: { height, width, channels } }: Network, count: number): tf.Tensor4D {
  const random = evenly(count);
  const values = Float32Array.from({ length: count * height * width * channels }, () => random.next().value);
  return tf.tensor4d(values, [count, height, width, channels]);
}

const foldedOf = (network: Network) =>
  createFoldedModel({ layers: network.layers, weights: valuesOf(network) });

/** The last of the names, and at most five before it. */
function sample(names: string[]): string[] {
  const step = Math.ceil(names.length / 5);
  return names.filter((_, index) => index % step === 0 || index === names.length - 1);
}

/** The outputs of these layers, one layer after the other. */
function outputsOf(network: Network, pictures: tf.Tensor4D, layers: string[]): Map<string, Float32Array> {
  const outputs = new Map<string, Float32Array>();
  const model = createModel(network.model, { restored: valuesOf(network) });
  tf.tidy(() => {
    model.forward(pictures, (name, output) => {
      if (layers.includes(name)) outputs.set(name, output.dataSync() as Float32Array);
      return undefined;
    });
  });
  model.dispose();
  return outputs;
}

function valuesIn(model: FoldedModel, pictures: tf.Tensor4D, layer?: string): Float32Array {
  const output = model.forward(pictures, layer);
  const values = output.dataSync() as Float32Array;
  output.dispose();
  return values;
}

function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const largest = (values: Float32Array) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const scale = largest(expected);
  const difference = largest(actual.map((value, index) => value - (expected[index] as number)));
  assert.ok(difference <= 1e-5 * scale, `${what}: ${difference} of ${scale}`);
}

for (const machine of machines) {
  const where = `${machine.engine}, threads: ${machine.threads}`;

  test(`steps of every network: ${where}`, () =>
    computeOn(machine, () => {
      for (const [name, network] of cases()) {
        const folded = foldedOf(network);
        const pictures = picturesFor(network, 3);
        const layers = sample(folded.layers);
        const expected = outputsOf(network, pictures, layers);
        assert.equal(expected.size, layers.length, name);
        for (const [layer, values] of expected)
          assertClose(valuesIn(folded, pictures, layer), values, `${name}, ${layer}`);
        pictures.dispose();
        folded.dispose();
      }
    }));

  test(`nothing is left in memory: ${where}`, () =>
    computeOn(machine, () => {
      const network = networkOf(efficientNet);
      const pictures = picturesFor(network, 2);
      const before = tf.memory().numTensors;
      const folded = foldedOf(network);
      const ready = tf.memory().numTensors;
      for (const layer of sample(folded.layers)) folded.forward(pictures, layer).dispose();
      assert.equal(tf.memory().numTensors, ready);
      folded.dispose();
      assert.equal(tf.memory().numTensors, before);
      pictures.dispose();
    }));
}

test('a layer that is part of a later step is refused', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    const folded = foldedOf(networkOf(efficientNet));
    assert.throws(() => folded.forward(tf.zeros([1, 38, 45, 3]), 'conv1'), {
      message: 'No step has the output of conv1.',
    });
    folded.dispose();
  }));

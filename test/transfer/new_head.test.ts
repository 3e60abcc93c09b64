/** A trained network gets a new last layer, for other classes and another size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type LayerSummary, variablesOf } from '../../src/layers/index.ts';
import { createModel, type ModelDescription } from '../../src/models/model.ts';
import { planArchitecture, planLayers } from '../../src/models/plan.ts';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { withClasses } from '../../src/transfer/new_head.ts';
import { computeOn } from '../engine/every_engine.ts';

const sizes = { width: 32, height: 32, channels: 3, classes: ['a', 'b'] } as const;

function startOf(architecture: 'deep' | 'article') {
  const description = { ...sizes, architecture, classes: [...sizes.classes] };
  const { layers } = planArchitecture(architecture, description);
  const values = layers
    .flatMap(variablesOf)
    .map(({ name, shape }): [string, Float32Array] => [name, new Float32Array(sizeOf(shape))]);
  return {
    description: { ...description, layers },
    weights: new Map(values),
    preprocessing: { fit: 'fill', ...ownPreprocessing } as const,
  };
}

test('all weights but those of the last layer are kept', () => {
  const start = startOf('deep');
  const wanted = { width: 48, height: 40, channels: 3 as const, classes: ['x', 'y', 'z'] };
  const { description, weights } = withClasses(start, wanted);
  assert.deepEqual(description.classes, wanted.classes);
  const last = description.layers.at(-1);
  assert.deepEqual(last?.outputShape, [3]);
  const left = [...start.weights.keys()].filter((name) => !name.startsWith('logits/'));
  assert.deepEqual([...weights.keys()], left);
  for (const name of left) assert.equal(weights.get(name), start.weights.get(name));
});

test('a network that depends on the size of the pictures is refused at another size', () => {
  const wanted = { ...sizes, classes: ['x', 'y'], width: 64 };
  assert.throws(
    () => withClasses(startOf('article'), wanted),
    /^Error: The network to start from is for pictures of 32 x 32, and the weights of fc1 fit no other size; use --width 32 --height 32\.$/,
  );
});

test('pictures with other channels are refused', () => {
  const wanted = { ...sizes, classes: ['x', 'y'], channels: 1 as const };
  assert.throws(
    () => withClasses(startOf('deep'), wanted),
    /^Error: The network to start from reads colour pictures; channels must be 3\.$/,
  );
});

/** Values that say where they are from: row 10 times, plus class. */
const marked = (rows: number, columns: number) =>
  Float32Array.from({ length: rows * columns }, (_, at) => 10 * Math.floor(at / columns) + (at % columns));

test('rows of classes that are known stay, in whatever order, and new ones get their mean', () => {
  const start = startOf('deep');
  const { outputShape, inputShape } = start.description.layers.at(-1) as (typeof start.description.layers)[0];
  const [inputs, outputs] = [inputShape[0] as number, outputShape[0] as number];
  start.weights.set('logits/weights', marked(inputs, outputs)).set('logits/biases', Float32Array.of(5, 7));
  const changed = withClasses(start, { ...sizes, classes: ['new', 'b', 'a'] });
  assert.deepEqual(changed.change, { known: [1, 2], added: [0], removed: 0, cut: [], isLinear: true });
  assert.deepEqual(changed.description.layers.at(-1)?.outputShape, [3]);
  assert.deepEqual(changed.weights.get('logits/biases'), Float32Array.of(6, 7, 5));
  assert.deepEqual(
    changed.weights.get('logits/weights')?.slice(0, 6),
    Float32Array.of(0.5, 1, 0, 10.5, 11, 10),
  );
  const removed = withClasses(start, { ...sizes, classes: ['b', 'c'] });
  assert.deepEqual([removed.change.known, removed.change.removed], [[0], 1]);
  assert.deepEqual(removed.weights.get('logits/biases'), Float32Array.of(7, 7));
});

test('a network that ends in features gets a head', () => {
  const start = startOf('deep');
  const layers = start.description.layers.slice(0, -1);
  const classes = Array.from(
    { length: layers.at(-1)?.outputShape[0] as number },
    (_, at) => `class${at + 1}`,
  );
  const description = { ...start.description, layers, classes };
  const { change, ...changed } = withClasses({ ...start, description }, { ...sizes, classes: ['x', 'y'] });
  assert.deepEqual([change.known, change.added, change.cut], [[], [0, 1], []]);
  assert.deepEqual(
    changed.description.layers.slice(-2).map(({ name, kind, outputShape }) => [name, kind, ...outputShape]),
    [
      ['average1', 'globalAveragePool', layers.at(-1)?.outputShape[0]],
      ['logits', 'fullyConnected', 2],
    ],
  );
});

/** A network that ends in a 1x1 convolution: a convolution of 3x3, then one row per class, perhaps an activation, and the mean. */
function convHead(activation: boolean) {
  const blueprint = (
    name: string,
    kind: string,
    inputs: string[],
    attributes: LayerSummary['attributes'],
  ) => ({
    ...{ name, kind, inputs, attributes, inputShape: [], outputShape: [], variables: [] },
  });
  const conv = (kernel: number, outputChannels: number) => ({
    ...{ kernel, stride: 1, padding: 'same', outputChannels, biases: true },
  });
  const layers = [
    blueprint('conv1', 'conv', [], conv(3, 4)),
    blueprint('relu1', 'activation', ['conv1'], { function: 'relu' }),
    blueprint('conv2', 'conv', ['relu1'], conv(1, 2)),
    ...(activation ? [blueprint('relu2', 'activation', ['conv2'], { function: 'relu' })] : []),
    blueprint('average1', 'globalAveragePool', [activation ? 'relu2' : 'conv2'], {}),
  ];
  const description = { ...sizes, architecture: 'layers' as const, classes: ['a', 'b'] };
  const planned = planLayers(layers, description).layers;
  const weights = new Map(
    planned.flatMap(variablesOf).map(({ name, shape }): [string, Float32Array] => {
      const at = (index: number) => Math.sin(index * 1.7 + name.length);
      return [name, Float32Array.from({ length: sizeOf(shape) }, (_, index) => at(index))];
    }),
  );
  const preprocessing = { fit: 'fill', ...ownPreprocessing } as const;
  return { description: { ...description, layers: planned }, weights, preprocessing };
}

function logitsOf(description: ModelDescription, weights: ReadonlyMap<string, Float32Array>): number[] {
  const model = createModel(description, { restored: new Map(weights) });
  const [height, width] = [description.height, description.width];
  const logits = tf.tidy(() => {
    const pictures = tf.reshape(tf.sin(tf.range(0, height * width * 3)), [1, height, width, 3]);
    return [...model.forward(pictures as tf.Tensor4D).dataSync()];
  });
  model.dispose();
  return logits;
}

for (const activation of [false, true])
  test(`a 1x1 convolution ${activation ? 'with an activation ' : ''}that classifies is a head, too`, () =>
    computeOn({ engine: 'cpu', threads: 1 }, () => {
      const start = convHead(activation);
      const [a, b] = logitsOf(start.description, start.weights) as [number, number];
      const turned = withClasses(start, { ...sizes, classes: ['b', 'a'] });
      const logits = logitsOf(turned.description, turned.weights);
      for (const [index, wanted] of [b, a].entries())
        assert.ok(Math.abs((logits[index] as number) - wanted) < 1e-5, `${logits}, not ${[b, a]}`);
      assert.equal(turned.change.isLinear, !activation);
      const other = withClasses(start, { ...sizes, width: 40, classes: ['x', 'y', 'z'] });
      assert.deepEqual(
        other.description.layers.map(({ kind }) => kind),
        ['conv', 'activation', 'globalAveragePool', 'fullyConnected'],
      );
      assert.deepEqual([...other.weights.keys()], ['conv1/weights', 'conv1/biases']);
      assert.equal(other.change.isLinear, true);
    }));

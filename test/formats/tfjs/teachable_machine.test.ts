/** Networks of Teachable Machine, made with TensorFlow.js as it makes them: model.json, weights.bin and metadata.json. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, evenly, logitsOf } from '../../helpers/network.ts';

const side = 32;
const labels = ['cat', 'dog', 'neither'];
const pixels = Uint8Array.from({ length: 2 * side * side * 3 }, (_, index) => (index * 37) % 256);

before(() => startEngine('cpu', { threads: 1 }));

/** A MobileNetV2 of two blocks, with the layers' names of Keras. */
function mobileNet(): tfl.LayersModel {
  const { layers } = tfl;
  const input = tfl.input({ shape: [side, side, 3], name: 'input_1' });
  const plain = { useBias: false, padding: 'same' as const };
  const norm = (name: string, x: tfl.SymbolicTensor) =>
    layers.batchNormalization({ name, epsilon: 1e-3, momentum: 0.999 }).apply(x) as tfl.SymbolicTensor;
  const relu = (name: string, x: tfl.SymbolicTensor) =>
    layers.reLU({ name, maxValue: 6 }).apply(x) as tfl.SymbolicTensor;
  const conv = (name: string, filters: number, kernelSize: number, strides: number, x: tfl.SymbolicTensor) =>
    layers.conv2d({ name, filters, kernelSize, strides, ...plain }).apply(x) as tfl.SymbolicTensor;
  let x = relu('Conv1_relu', norm('bn_Conv1', conv('Conv1', 8, 3, 2, input)));
  for (const block of ['block_1', 'block_2']) {
    let y = relu(`${block}_expand_relu`, norm(`${block}_expand_BN`, conv(`${block}_expand`, 24, 1, 1, x)));
    const depthwise = layers.depthwiseConv2d({ name: `${block}_depthwise`, kernelSize: 3, ...plain });
    y = relu(
      `${block}_depthwise_relu`,
      norm(`${block}_depthwise_BN`, depthwise.apply(y) as tfl.SymbolicTensor),
    );
    y = norm(`${block}_project_BN`, conv(`${block}_project`, 8, 1, 1, y));
    x = layers.add({ name: `${block}_add` }).apply([x, y]) as tfl.SymbolicTensor;
  }
  x = relu('out_relu', norm('Conv_1_bn', conv('Conv_1', 40, 1, 1, x)));
  const means = layers.globalAveragePooling2d({ name: 'global_average_pooling2d' }).apply(x);
  const answer = layers.dense({ name: 'Logits', units: 10, activation: 'softmax' }).apply(means);
  return tfl.model({ inputs: input, outputs: answer as tfl.SymbolicTensor });
}

/** The network without its last layers, in one Sequential with an average; the head in another; both in a third. */
function joined(): tfl.Sequential {
  const whole = mobileNet();
  const cut = tfl.model({
    inputs: whole.inputs,
    outputs: whole.getLayer('out_relu').output as tfl.SymbolicTensor,
  });
  const features = tfl.sequential();
  features.add(cut);
  features.add(tfl.layers.globalAveragePooling2d({}));
  const head = tfl.sequential({
    layers: [
      tfl.layers.dense({ inputShape: [40], units: 20, activation: 'relu', useBias: true }),
      tfl.layers.dense({ units: labels.length, useBias: false, activation: 'softmax' }),
    ],
  });
  const both = tfl.sequential();
  both.add(features);
  both.add(head);
  const random = evenly(5);
  const drawn = both.getWeights().map((weight) => {
    const values = Float32Array.from({ length: weight.size }, () => random.next().value as number);
    const isVector = weight.rank === 1;
    const width = isVector ? 1 : 3 * (12 * (weight.shape.at(-1) ?? 1)) ** -0.5;
    return tf.tensor(
      values.map((value) => (isVector ? value + 0.2 : (value - 0.45) * width)),
      weight.shape,
    );
  });
  both.setWeights(drawn);
  return both;
}

/** Writes what its page lets people download. */
async function download(model: tfl.LayersModel, metadata: object): Promise<string> {
  const folder = temporaryFolder();
  await model.save({
    async save({ modelTopology, weightSpecs, weightData }) {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      writeFileSync(join(folder, 'model.json'), JSON.stringify({ modelTopology, weightsManifest }));
      writeFileSync(join(folder, 'weights.bin'), Buffer.from(weightData as ArrayBuffer));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
    },
  });
  const common = { tfjsVersion: '1.3.1', tmVersion: '2.4.7', packageVersion: '0.8.4-alpha2' };
  const all = {
    ...common,
    packageName: '@teachablemachine/image',
    modelName: 'tm-my-image-model',
    ...metadata,
  };
  writeFileSync(join(folder, 'metadata.json'), JSON.stringify(all));
  return folder;
}

test('a network of Teachable Machine answers as in TensorFlow.js', async () => {
  const model = joined();
  const folder = await download(model, { labels, imageSize: side });
  const { network, format } = await importNetwork(folder);
  assert.equal(format, 'tfjs');
  assert.deepEqual(network.model.classes, labels);
  assert.deepEqual(network.assumed, []);
  assert.equal(network.preprocessing.fit, 'cover');
  const probabilities = tf.tidy(() => {
    const pictures = tf.sub(tf.div(tf.tensor4d(pixels, [2, side, side, 3], 'float32'), 127), 1);
    return (model.predict(pictures) as tf.Tensor2D).arraySync();
  });
  const own = tf.tidy(() => tf.softmax(tf.tensor2d(logitsOf(network, pixels))).arraySync());
  assert.ok(compare(own, own).spread > 0.05);
  const { difference, spread } = compare(own, probabilities);
  assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
});

/** Files that were damaged in thousands of ways: each is imported, or refused in one line. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { unzipSync, zipSync } from 'fflate';
import { startEngine } from '../../src/engine/index.ts';
import { UserError } from '../../src/errors.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { type Format, formats } from '../../src/formats/index.ts';
import { writeHdf5 } from '../../src/formats/keras/hdf5.ts';
import { type ModelMessage, models } from '../../src/formats/onnx/protos.ts';
import { type LayerSummary, modelTools, Scope } from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { mutations } from '../helpers/mutations.ts';
import { networkOf } from '../helpers/network.ts';

const folder = temporaryFolder();
const { numbers, below, oneOf, mutateValue, mutateBytes, mutateJson } = mutations(11);

/** Few weights and every kind of layer, so that each byte and each field has its turn. */
function smallLayers(): LayerSummary[] {
  const scope = new Scope();
  const tools = modelTools(scope);
  tf.tidy(() => {
    const options = { kernel: 3, inputChannels: 3, outputChannels: 2, stride: 2 };
    const first = tools.batchNormLayer(
      tools.convLayer(tf.zeros([1, 6, 5, 3]), { ...options, biases: false }),
    );
    const pooled = tools.poolingLayer(tools.addLayer(first, tools.activationLayer(first)), {
      kernel: 2,
      stride: 1,
    });
    const { layer, size } = tools.flatteningLayer(pooled);
    tools.fullyConnectedLayer(tools.dropoutLayer(layer, { rate: 0.5 }), { inputs: size, outputs: 2 });
  });
  scope.dispose();
  return scope.layers;
}

before(async () => {
  await startEngine('wasm', { threads: 1 });
  const description: ModelDescription = {
    architecture: 'layers',
    width: 5,
    height: 6,
    channels: 3,
    classes: ['a', 'b'],
    layers: smallLayers(),
  };
  const network = networkOf(description);
  for (const name of ['keras', 'onnx', 'safetensors', 'tfjs']) {
    const format = formats[name] as Format;
    await exportNetwork(network, format, join(folder, format.output));
  }
});

/** Lets a model be read with one of its files damaged in many ways. */
async function damage(
  name: string,
  times: number,
  mutate: (data: Uint8Array) => Uint8Array,
  file = (formats[name] as Format).output,
): Promise<void> {
  const format = formats[name] as Format;
  const source = join(folder, format.output);
  const path = join(folder, file);
  const whole = readFileSync(path);
  const read = () => format.import?.(source, { width: 5, height: 6 });
  let refused = 0;
  for (let time = 0; time < times; time++) {
    writeFileSync(path, mutate(whole));
    try {
      assert.equal((await read())?.model.architecture, 'layers');
    } catch (error) {
      assert.ok(error instanceof UserError, error as Error);
      assert.ok(!error.message.includes('\n'), error.message);
      refused++;
    }
  }
  writeFileSync(path, whole);
  assert.equal((await read())?.model.classes.length, 2);
  assert.ok(refused > times / 10, `${refused} of ${times} were refused`);
}

test('a damaged model.json of TensorFlow.js', async () => {
  await damage('tfjs', 1000, mutateJson, 'tfjs/model.json');
  await damage('tfjs', 500, mutateBytes, 'tfjs/model.json');
});

test('weights of TensorFlow.js of another length', async () => {
  const longerOrShorter = (data: Uint8Array) =>
    oneOf([data.subarray(0, below(data.length)), Buffer.concat([data, data])]);
  await damage('tfjs', 100, longerOrShorter, 'tfjs/group1-shard1of1.bin');
});

test('a damaged safetensors file', async () => {
  await damage('safetensors', 800, mutateBytes);
  await damage('safetensors', 800, (data) => {
    const length = Number(Buffer.from(data).readBigUInt64LE(0));
    const header = JSON.parse(Buffer.from(data.subarray(8, 8 + length)).toString('utf8'));
    const told = JSON.parse(header.__metadata__['bat-sup']);
    if (below(2) === 0) header.__metadata__['bat-sup'] = JSON.stringify(mutateValue(told));
    const json = Buffer.from(JSON.stringify(below(2) === 0 ? mutateValue(header) : header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([size, json, data.subarray(8 + length)]);
  });
});

test('a damaged ONNX model', async () => {
  await damage('onnx', 1000, mutateBytes);
  await damage('onnx', 1000, (data) => {
    const message = models.decode(data);
    try {
      return models.encode(mutateValue(message) as ModelMessage);
    } catch {
      return data.subarray(0, below(data.length)); // Such a message cannot be written.
    }
  });
});

test('a damaged Keras file', async () => {
  await damage('keras', 150, mutateBytes);
  const rezipped = (name: string, mutate: (data: Uint8Array) => Uint8Array) => (data: Uint8Array) => {
    const files = unzipSync(data);
    return zipSync({ ...files, [name]: mutate(files[name] as Uint8Array) }, { level: 0 });
  };
  await damage('keras', 400, rezipped('config.json', mutateJson));
  await damage('keras', 100, rezipped('metadata.json', mutateJson));
  await damage('keras', 300, rezipped('model.weights.h5', mutateBytes));
});

/** As Keras 2 saved networks: one HDF5 file, the weights named in attributes. */
function legacyHdf5(): Promise<Uint8Array> {
  const layer = (class_name: string, name: string, config: object = {}) => ({
    class_name,
    config: { name, ...config },
  });
  const layers = [
    layer('InputLayer', 'pictures', { batch_input_shape: [null, 6, 5, 3] }),
    layer('Rescaling', 'rescaling', { scale: 1 / 255, offset: 0 }),
    layer('Conv2D', 'conv', { filters: 2, kernel_size: [3, 3], use_bias: false, activation: 'relu' }),
    layer('BatchNormalization', 'norm', { axis: [3], epsilon: 1e-3 }),
    layer('Flatten', 'flatten'),
    layer('Dense', 'dense', { units: 2, activation: 'softmax' }),
  ];
  const weights: [layer: string, name: string, shape: number[]][] = [
    ['conv', 'kernel', [3, 3, 3, 2]],
    ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name): [string, string, number[]] => [
      'norm',
      name,
      [2],
    ]),
    ['dense', 'kernel', [24, 2]],
    ['dense', 'bias', [2]],
  ];
  const config = { class_name: 'Sequential', config: { name: 'net', layers } };
  return writeHdf5((root) => {
    root.create_attribute('model_config', JSON.stringify(config));
    const all = root.create_group('model_weights');
    for (const owner of new Set(weights.map(([name]) => name))) {
      const group = all.create_group(owner);
      const own = weights.filter(([name]) => name === owner);
      group.create_attribute(
        'weight_names',
        own.map(([, name]) => `${owner}/${name}:0`),
      );
      const inner = group.create_group(owner);
      for (const [, name, shape] of own) {
        const data = Float32Array.from({ length: sizeOf(shape) }, () => numbers.next().value as number);
        inner.create_dataset({ name: `${name}:0`, data, shape, dtype: '<f4' });
      }
    }
  });
}

test('a damaged .h5 file', async () => {
  const whole = await legacyHdf5();
  writeFileSync(join(folder, 'model.keras'), whole);
  await damage('keras', 1500, mutateBytes);
  // What is told in JSON within it is of the same length, as the file's own addresses are.
  const start = Buffer.from(whole).indexOf('{"class_name"');
  const end = Buffer.from(whole).indexOf('\0', start);
  await damage('keras', 300, (data) => {
    const text = mutateJson(data.subarray(start, end)).subarray(0, end - start);
    const copy = new Uint8Array(data);
    copy.set(Buffer.concat([text, Buffer.alloc(end - start - text.length, ' ')]), start);
    return copy;
  });
});

test('what HDF5 says of a damaged file is said in a few words', async () => {
  const file = join(folder, 'short.h5');
  writeFileSync(file, (await legacyHdf5()).subarray(0, 1000));
  await assert.rejects(importNetwork(file), /short\.h5 is a damaged Keras file: truncated file: .*\.$/);
});

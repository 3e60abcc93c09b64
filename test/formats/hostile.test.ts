/** Files that would fill the memory or never end: each is refused in one line. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { type Format, formats } from '../../src/formats/index.ts';
import { writeHdf5 } from '../../src/formats/keras/hdf5.ts';
import { readTable, writeTable } from '../../src/formats/tensorflow/bundle/table.ts';
import { bundleEntries } from '../../src/formats/tensorflow/protos.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { networkOf } from '../helpers/network.ts';
import { assertRefused } from '../helpers/refused.ts';

const folder = temporaryFolder();
const healthy = join(folder, 'healthy');
const changed = join(folder, 'changed');
const isWindows = process.platform === 'win32';
const read = ['tf-checkpoint', 'saved-model', 'tfjs', 'keras', 'onnx', 'safetensors'];
const outputOf = (name: string) => (formats[name] as Format).output;

before(async () => {
  await startEngine('wasm', { threads: 1 });
  const network = networkOf();
  for (const name of read)
    await exportNetwork(network, formats[name] as Format, join(healthy, outputOf(name)));
});

function copyOf(name: string): string {
  rmSync(changed, { recursive: true, force: true });
  cpSync(healthy, changed, { recursive: true });
  return join(changed, outputOf(name));
}

const assertSourceRefused = (source: string, message: RegExp, format?: string) =>
  assertRefused(importNetwork(source, { format }), message);

test('a shard of TensorFlow.js that is named 1,500 times is refused', async () => {
  for (const again of ['', './']) {
    const source = copyOf('tfjs');
    const json = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'));
    const [group] = json.weightsManifest;
    const [path] = group.paths;
    group.paths = [path, ...Array.from({ length: 1499 }, () => again + path)];
    writeFileSync(join(source, 'model.json'), JSON.stringify(json));
    await assertSourceRefused(source, /its weightsManifest names "group1-shard1of1\.bin" twice/);
    json.weightsManifest = Array.from({ length: 1500 }, () => ({ ...group, paths: [path] }));
    writeFileSync(join(source, 'model.json'), JSON.stringify(json));
    await assertSourceRefused(source, /its weightsManifest names "group1-shard1of1\.bin" twice/);
  }
});

test('layers of TensorFlow.js whose names lead to the same weights are refused', async () => {
  const source = copyOf('tfjs');
  const json = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'));
  const { layers } = json.modelTopology.config;
  const [conv1, conv2] = layers.filter(({ class_name: name }: { class_name: string }) => name === 'Conv2D');
  const { weights } = json.weightsManifest[0];
  // 'conv1/kernel' is looked for behind the names of networks as well.
  const rename = (from: string, to: string) => {
    for (const layer of layers) {
      if (layer.name === from) Object.assign(layer, { name: to, config: { ...layer.config, name: to } });
      layer.inbound_nodes = JSON.parse(
        JSON.stringify(layer.inbound_nodes).replaceAll(`"${from}"`, `"${to}"`),
      );
    }
    for (const weight of weights) weight.name = weight.name.replace(`${from}/`, `${to}/`);
  };
  const name = conv2.name;
  rename(conv1.name, 'net/shared');
  rename(name, 'shared');
  json.weightsManifest[0].weights = weights.map((weight: { name: string }) =>
    weight.name.startsWith('shared/') ? { ...weight, name: `other/${weight.name.slice(7)}x` } : weight,
  );
  writeFileSync(join(source, 'model.json'), JSON.stringify(json));
  await assertSourceRefused(source, /shared shares its kernel with another layer/);
});

test('tensors of a safetensors file that share bytes are refused', async () => {
  const source = copyOf('safetensors');
  const data = readFileSync(source);
  const length = Number(data.readBigUInt64LE(0));
  const header = JSON.parse(data.subarray(8, 8 + length).toString());
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  const [first] = names as [string];
  for (let index = 0; index < 1000; index++) header[`copy${index}`] = header[first];
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(source, Buffer.concat([size, json, data.subarray(8 + length)]));
  await assertSourceRefused(source, new RegExp(`"${first}" and "copy0" share bytes`));
});

test('variables of a TensorFlow checkpoint that share bytes are refused', async () => {
  const source = copyOf('tf-checkpoint');
  const index = join(source, 'model.index');
  const table = readTable(readFileSync(index));
  const [one, other] = [...table.keys()].filter((name) => name !== '') as [string, string];
  const entry = bundleEntries.decode(table.get(one) as Buffer);
  const moved = { ...bundleEntries.decode(table.get(other) as Buffer), offset: entry.offset };
  table.set(other, Buffer.from(bundleEntries.encode(moved)));
  writeFileSync(index, writeTable(table));
  await assertSourceRefused(
    source,
    new RegExp(`model\\.index is damaged .*"${one}" and "${other}" share bytes`),
  );
});

/** An .h5 file of Keras with many layers whose weights are one dataset. */
function linkedHdf5(count: number, features: number): Promise<Uint8Array> {
  const names = Array.from({ length: count }, (_, index) => `dense${index}`);
  const dense = (name: string) => ({
    class_name: 'Dense',
    config: { name, units: features, use_bias: false, activation: 'linear' },
  });
  const input = {
    class_name: 'InputLayer',
    config: { name: 'in', batch_input_shape: [null, 1, features, 1] },
  };
  const flatten = { class_name: 'Flatten', config: { name: 'flatten' } };
  const config = { name: 'net', layers: [input, flatten, ...names.map(dense)] };
  return writeHdf5((root) => {
    root.create_attribute('model_config', JSON.stringify({ class_name: 'Sequential', config }));
    const weights = root.create_group('model_weights');
    const data = new Float32Array(features ** 2);
    root.create_dataset({ name: 'all', data, shape: [features, features], dtype: '<f4' });
    for (const name of names) {
      const group = weights.create_group(name);
      group.create_attribute('weight_names', ['kernel:0']);
      root.create_hard_link('/all', `/model_weights/${name}/kernel:0`);
    }
  });
}

test('datasets of an .h5 file that are one behind many links are refused', async () => {
  const source = join(folder, 'linked.h5');
  writeFileSync(source, await linkedHdf5(1, 100));
  assert.equal((await importNetwork(source)).network.model.classes.length, 100);
  writeFileSync(source, await linkedHdf5(300, 100));
  await assertSourceRefused(
    source,
    /the datasets up to \/model_weights\/dense\d+\/kernel:0 are larger than the file/,
  );
});

test('an .h5 file whose heap has no end is refused, where HDF5 would look for it without end', async () => {
  const data = Buffer.from(await linkedHdf5(1, 4));
  const heap = data.indexOf('GCOL');
  assert.ok(heap > 0);
  let place = heap + 16;
  while (data.readUInt16LE(place) !== 0)
    place += 16 + Math.ceil(Number(data.readBigUInt64LE(place + 8)) / 8) * 8;
  data.writeBigUInt64LE(0n, place + 8);
  const source = join(folder, 'endless.h5');
  writeFileSync(source, data);
  await assertSourceRefused(source, /endless\.h5 is a damaged Keras file: it holds a heap that never ends\./);
});

const members: [format: string, member: string][] = [
  ['tfjs', 'model.json'],
  ['tfjs', 'group1-shard1of1.bin'],
  ['tf-checkpoint', 'model.meta'],
  ['tf-checkpoint', 'model.index'],
  ['tf-checkpoint', 'model.data-00000-of-00001'],
  ['saved-model', 'saved_model.pb'],
  ['saved-model', 'variables/variables.index'],
  ['saved-model', 'variables/variables.data-00000-of-00001'],
  ['keras', ''],
  ['onnx', ''],
  ['safetensors', ''],
];
for (const [name, member] of members) {
  test(`a pipe in the place of ${name}/${member} is refused`, { skip: isWindows }, async () => {
    const source = copyOf(name);
    const path = join(source, member);
    rmSync(path);
    execFileSync('mkfifo', [path]);
    await assertSourceRefused(source, /is a pipe, not a|is not in a format/);
    await assertSourceRefused(source, /is a pipe, not a/, name);
  });
}

test('a pipe in the place of a file that is only looked at is passed over', { skip: isWindows }, async () => {
  const source = copyOf('tf-checkpoint');
  rmSync(join(source, 'checkpoint'));
  execFileSync('mkfifo', [join(source, 'checkpoint')]);
  assert.equal((await importNetwork(source)).network.model.classes.length, 3);
});

test('devices and sockets are refused', { skip: isWindows }, async (t) => {
  await assertSourceRefused('/dev/zero', /\/dev\/zero is a device, not a file or a folder/);
  const path = join(folder, 'socket');
  const server = createServer().listen(path);
  t.after(() => server.close());
  await assertSourceRefused(path, /is a socket, not a file or a folder/);
});

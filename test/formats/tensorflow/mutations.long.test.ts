import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import type { Network } from '../../../src/formats/index.ts';
import { readTable, writeTable } from '../../../src/formats/tensorflow/bundle/table.ts';
import { maskedCrc32c } from '../../../src/formats/tensorflow/crc32c.ts';
import { exportCheckpoint } from '../../../src/formats/tensorflow/export_checkpoint.ts';
import { exportSavedModel } from '../../../src/formats/tensorflow/export_saved_model.ts';
import { importCheckpoint } from '../../../src/formats/tensorflow/import_checkpoint.ts';
import { importSavedModel } from '../../../src/formats/tensorflow/import_saved_model.ts';
import type { FunctionDef, GraphDef, NodeDef } from '../../../src/formats/tensorflow/messages.ts';
import { savedModels } from '../../../src/formats/tensorflow/protos.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { evenly } from '../../helpers/network.ts';

const folder = temporaryFolder();
const healthy = join(folder, 'healthy');
const mutated = join(folder, 'mutated');
const savedModel = join(folder, 'saved-model');
let healthyModel: Buffer;

/** Two layers: small files are mutated quickly, and each of their bytes often. */
const network: Network = {
  model: { architecture: 'layers', width: 5, height: 4, channels: 3, classes: ['bat', 'sup'] },
  preprocessing: { fit: 'fill', scale: 1 / 255, order: 'rgb' },
  layers: [
    {
      name: 'conv1',
      kind: 'conv',
      inputs: [],
      inputShape: [4, 5, 3],
      outputShape: [2, 3, 2],
      variables: [
        { name: 'conv1/weights', shape: [3, 3, 3, 2] },
        { name: 'conv1/biases', shape: [2] },
      ],
      attributes: { kernel: 3, stride: 2, padding: 'same', outputChannels: 2, biases: true },
    },
    {
      name: 'flatten',
      kind: 'flatten',
      inputs: ['conv1'],
      inputShape: [2, 3, 2],
      outputShape: [12],
      variables: [],
      attributes: {},
    },
    {
      name: 'fc1',
      kind: 'fullyConnected',
      inputs: ['flatten'],
      inputShape: [12],
      outputShape: [2],
      variables: [
        { name: 'fc1/weights', shape: [12, 2] },
        { name: 'fc1/biases', shape: [2] },
      ],
      attributes: { outputs: 2 },
    },
  ],
  weights: new Map(),
  temperature: 1,
};
const numbers = evenly(1);
const next = () => numbers.next().value as number;
const below = (limit: number) => Math.floor(next() * limit);
for (const { variables } of network.layers)
  for (const { name, shape } of variables) {
    const size = shape.reduce((product, length) => product * length, 1);
    network.weights.set(name, { name, shape, values: Float32Array.from({ length: size }, next) });
  }

before(async () => {
  await exportCheckpoint(network, healthy, { weights: 'float32' });
  cpSync(healthy, mutated, { recursive: true });
  await exportSavedModel(network, savedModel, { weights: 'float32' });
  healthyModel = readFileSync(join(savedModel, 'saved_model.pb'));
});

/** What happens to files: bits that turn, parts that are lost, doubled, emptied or filled. */
const mutations: ((bytes: Buffer) => Buffer)[] = [
  (bytes) => {
    for (let count = 1 + below(4); count > 0; count--) {
      const place = below(bytes.length);
      bytes[place] = (bytes[place] as number) ^ (1 << below(8));
    }
    return bytes;
  },
  (bytes) => {
    bytes[below(bytes.length)] = [0, 1, 127, 128, 255][below(5)] as number;
    return bytes;
  },
  (bytes) => bytes.subarray(0, below(bytes.length)),
  (bytes) => {
    const from = below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + below(20))]);
  },
  (bytes) => {
    const [from, length, to] = [below(bytes.length), 1 + below(40), below(bytes.length)];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, from + length), bytes.subarray(to)]);
  },
  (bytes) => bytes.fill([0, 255][below(2)] as number, below(bytes.length), below(bytes.length)),
];
const mutate = (bytes: Buffer) => (mutations[below(mutations.length)] as (bytes: Buffer) => Buffer)(bytes);

/** Puts a file in the place of the healthy one while it imports. */
async function importWith(ending: string, bytes: Uint8Array): Promise<Network | UserError> {
  const file = join(mutated, `model.${ending}`);
  writeFileSync(file, bytes);
  try {
    return await importCheckpoint(mutated, { width: 5, height: 4 });
  } catch (error) {
    assert.ok(error instanceof UserError, `${ending}: ${(error as Error).stack}`);
    assert.match(error.message, /model\.|not a TensorFlow checkpoint/);
    assert.ok(!error.message.includes('\n') && error.message.length < 1000, error.message.slice(0, 2000));
    return error;
  } finally {
    copyFileSync(join(healthy, `model.${ending}`), file);
  }
}

const healthyFile = (ending: string) => readFileSync(join(healthy, `model.${ending}`));

function assertSameWeights({ weights }: Network): void {
  for (const [name, { values }] of network.weights) assert.deepEqual(weights.get(name)?.values, values, name);
}

test('an index or data that are damaged give an error, or what was saved', async () => {
  let refused = 0;
  for (const ending of ['index', 'data-00000-of-00001'])
    for (let count = 0; count < 1000; count++) {
      const result = await importWith(ending, mutate(healthyFile(ending)));
      if (result instanceof UserError) refused++;
      else assertSameWeights(result);
    }
  assert.ok(refused > 1600, `only ${refused} of 2000 were noticed`);
});

/** The index's entries mutated, its checksums right again. */
function mutateEntries(): Buffer {
  const values = readTable(healthyFile('index'));
  const keys = [...values.keys()];
  const key = keys[below(keys.length)] as string;
  const value = Buffer.from(values.get(key) as Buffer);
  if (below(4) === 0) values.delete(key);
  values.set(below(6) === 0 ? `${key}x` : key, value.length > 0 ? mutate(value) : value);
  return writeTable(values);
}

/** A block of the index mutated, its checksum right again. */
function mutateBlock(): Buffer {
  const index = healthyFile('index');
  // The values' block begins the file; the footer tells where the other one is, in two varints of two and one bytes.
  const footer = index.subarray(-48);
  const filters = (footer[0] as number & 127) - 128 + (footer[1] as number) * 128;
  const end = below(2) === 0 ? filters - 5 : index.length - 48 - 5;
  const start = end === filters - 5 ? 0 : filters + 8 + 5;
  const block = Buffer.from(index.subarray(start, end));
  const changed = mutate(block);
  changed.copy(block); // of the same length, so that it is found
  block.copy(index, start);
  index.writeUInt32LE(maskedCrc32c(index.subarray(start, end + 1)), end + 1);
  return index;
}

test('an index that lies, with checksums that are right, gives an error, or what was saved', async () => {
  let refused = 0;
  for (let count = 0; count < 1500; count++) {
    const result = await importWith('index', count % 2 === 0 ? mutateEntries() : mutateBlock());
    if (result instanceof UserError) refused++;
    else assertSameWeights(result);
  }
  assert.ok(refused > 700, `only ${refused} of 1500 were noticed`);
});

/** Whoever replays it gets what fits together, and no values that were not saved. */
function assertOfSaved({ layers, model, weights }: Network): void {
  const saved = new Set([...network.weights.values()].map(({ values }) => values.join()));
  assert.deepEqual(layers.at(-1)?.outputShape, [model.classes.length]);
  for (const { name, values } of weights.values()) {
    const isAbsentBiases = name.endsWith('/biases') && values.every((value) => value === 0);
    assert.ok(isAbsentBiases || saved.has(values.join()), name);
  }
}

test('a graph that is damaged gives an error, or a network of weights that were saved', async () => {
  let refused = 0;
  for (let count = 0; count < 2000; count++) {
    const result = await importWith('meta', mutate(healthyFile('meta')));
    if (result instanceof UserError) refused++;
    else assertOfSaved(result);
  }
  assert.ok(refused > 1000, `only ${refused} of 2000 were noticed`);
});

async function importModel(bytes: Uint8Array): Promise<Network | UserError> {
  writeFileSync(join(savedModel, 'saved_model.pb'), bytes);
  return importSavedModel(savedModel, { width: 5, height: 4 }).catch((error) => {
    assert.ok(error instanceof UserError, (error as Error).stack);
    assert.match(error.message, /saved_model\.pb|variables\.index/);
    assert.ok(!error.message.includes('\n') && error.message.length < 1000, error.message.slice(0, 2000));
    return error;
  });
}

/** The graph moved into a function, which another one calls, as TensorFlow 2 saves it; what `change` does to it. */
function asFunctions(change: (graph: GraphDef, functions: FunctionDef[]) => void = () => {}): Uint8Array {
  const message = savedModels.decode(healthyModel);
  const graph = message.meta_graphs[0]?.graph_def as GraphDef;
  const variables = graph.node.filter(({ op }) => op === 'VarHandleOp').map(({ name }) => name);
  const isOutside = ({ name, op }: NodeDef) =>
    op === 'VarHandleOp' || op === 'Placeholder' || /^(save\/|classes$|bat-sup$)|Assign$/.test(name);
  const outside = graph.node.filter(isOutside);
  const args = outside.filter(({ name, op }) => variables.includes(name) || op === 'Placeholder');
  const signature = (name: string) => ({
    name,
    input_arg: args.map(({ name }) => ({ name, type: 0 })),
    output_arg: [{ name: 'identity', type: 1 }],
  });
  const answer = graph.node.filter(({ op }) => op === 'Softmax')[0]?.name as string;
  const inner = {
    signature: signature('inner'),
    node_def: graph.node
      .filter((node) => !isOutside(node))
      .map((node) => ({ ...node, input: node.input.map((one) => (one.includes(':') ? one : `${one}:y:0`)) })),
    ret: [{ key: 'identity', value: `${answer}:softmax:0` }],
  };
  const call = (name: string, of: string): NodeDef => ({
    name,
    op: 'StatefulPartitionedCall',
    input: args.map(({ name }) => name),
    attr: [{ key: 'f', value: { func: { name: of } } }],
  });
  const outer = {
    signature: signature('outer'),
    node_def: [call('again', 'inner')],
    ret: [{ key: 'identity', value: 'again:output:0' }],
  };
  graph.node = [...outside, call('call', 'outer')];
  const functions: FunctionDef[] = [outer, inner];
  change(graph, functions);
  graph.library = { function: functions };
  return savedModels.encode(message);
}

test('a SavedModel whose graph is in functions is read through them', async () => {
  const result = await importModel(asFunctions());
  assert.ok(!(result instanceof UserError), String(result));
  assertSameWeights(result);
});

test('functions without end are refused', async () => {
  const circle = await importModel(
    asFunctions((_, functions) =>
      Object.assign(functions[1] as FunctionDef, { node_def: functions[0]?.node_def }),
    ),
  );
  assert.match(String(circle), /functions call each other/);
  const doubling = asFunctions((_, functions) => {
    const [call] = (functions[0] as FunctionDef).node_def as [NodeDef];
    const levels = Array.from({ length: 40 }, (_, level) => ({
      ...(functions[0] as FunctionDef),
      signature: {
        ...(functions[0] as FunctionDef).signature,
        name: level === 0 ? 'outer' : `level${level}`,
      },
      node_def: ['a', 'b'].map((name) => ({
        ...call,
        name,
        attr: [{ key: 'f', value: { func: { name: level < 39 ? `level${level + 1}` : 'inner' } } }],
      })),
    }));
    functions.splice(0, 1, ...levels);
  });
  assert.match(String(await importModel(doubling)), /more than \d+ nodes/);
});

test('a SavedModel that is damaged gives an error, or a network of weights that were saved', async () => {
  const functions = asFunctions();
  let refused = 0;
  for (let count = 0; count < 2000; count++) {
    const result = await importModel(mutate(Buffer.from(count % 2 === 0 ? healthyModel : functions)));
    if (result instanceof UserError) refused++;
    else assertOfSaved(result);
  }
  assert.ok(refused > 800, `only ${refused} of 2000 were noticed`);
});

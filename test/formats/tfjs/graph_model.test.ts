/** Graph-models: graphs of TensorFlow with their weights beside them, against TensorFlow.js's own interpreter of them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, evenly, logitsOf } from '../../helpers/network.ts';
import { assertRefused } from '../../helpers/refused.ts';
import { type ModelWeight, writeTfjs } from '../../helpers/tfjs_model.ts';

const folder = temporaryFolder();
const [height, width] = [10, 8];
const random = evenly(3);
const drawn = (size: number) => Array.from({ length: size }, () => (random.next().value as number) - 0.45);
const pixels = Uint8Array.from(
  { length: 2 * height * width * 3 },
  () => 256 * (random.next().value as number),
);

type Attributes = Record<string, object>;
const text = (value: string) => Buffer.from(value).toString('base64');
const floats = { T: { type: 'DT_FLOAT' } };

/** Nodes as the converter writes them, and the weights of their constants. */
class Graph {
  readonly nodes: object[] = [];
  readonly weights: ModelWeight[] = [];

  constant(name: string, shape: number[], values: number[], as?: ModelWeight['as']): string {
    const dtype = { type: as === 'int32' ? 'DT_INT32' : 'DT_FLOAT' };
    const dim = shape.map((size) => ({ size: String(size) }));
    const value = { tensor: { dtype: dtype.type, tensorShape: { dim } } };
    this.nodes.push({ name, op: 'Const', attr: { dtype, value } });
    this.weights.push({ name, shape, values, ...(as && { as }) });
    return name;
  }

  random(name: string, shape: number[], as?: ModelWeight['as']): string {
    const size = shape.reduce((product, length) => product * length, 1);
    return this.constant(name, shape, drawn(size), as);
  }

  add(name: string, op: string, input: string[], attr: Attributes = {}): string {
    this.nodes.push({ name, op, input, attr: { ...floats, ...attr } });
    return name;
  }

  pictures(): string {
    const dim = [-1, height, width, 3].map((size) => ({ size: String(size) }));
    return this.add('images', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim } } });
  }
}

const windows = (stride: number, padding: string): Attributes => ({
  strides: { list: { i: ['1', String(stride), String(stride), '1'] } },
  padding: { s: text(padding) },
  data_format: { s: text('NHWC') },
  dilations: { list: { i: ['1', '1', '1', '1'] } },
});
const fusing = (...ops: string[]): Attributes => ({
  fused_ops: { list: { s: ops.map(text) } },
  num_args: { i: '1' },
  leakyrelu_alpha: { f: 0.3 },
  epsilon: { f: 0 },
});

/** Whatever the converter fuses, and what it leaves. */
function everything(as?: 'uint8' | 'uint16'): Graph {
  const graph = new Graph();
  const x = graph.pictures();
  const scale = graph.constant('scale', [], [1 / 255]);
  const shift = graph.constant('shift', [3], [-0.4, -0.5, -0.6]);
  const scaled = graph.add('shifted', 'AddV2', [graph.add('scaled', 'Mul', [x, scale]), shift]);
  const pads = graph.constant('pads', [4, 2], [0, 0, 0, 1, 0, 1, 0, 0], 'int32');
  const padded = graph.add('pad', 'Pad', [scaled, pads]);
  const kernel = graph.random('kernel', [3, 3, 3, 6], as);
  const first = graph.add('first', '_FusedConv2D', [padded, kernel, graph.random('bias', [6])], {
    ...windows(2, 'VALID'),
    ...fusing('BiasAdd', 'LeakyRelu'),
  });
  const inner = graph.add(
    'inner',
    'FusedDepthwiseConv2dNative',
    [first, graph.random('inner_kernel', [3, 3, 6, 1], as), graph.random('inner_bias', [6])],
    { ...windows(1, 'SAME'), ...fusing('BiasAdd', 'Relu6') },
  );
  const factors = graph.random('factors', [6]);
  const normed = graph.add('normed', 'AddV2', [
    graph.add('product', 'Mul', [inner, factors]),
    graph.random('offsets', [6]),
  ]);
  const sum = graph.add('sum', 'AddN', [first, normed, inner], { N: { i: '3' } });
  const axes = graph.constant('axes', [2], [1, 2], 'int32');
  const means = graph.add('means', 'Mean', [sum, axes], { keep_dims: { b: true } });
  const gate = graph.add(
    'gate',
    '_FusedConv2D',
    [means, graph.random('gate_kernel', [1, 1, 6, 6]), graph.random('gate_bias', [6])],
    {
      ...windows(1, 'SAME'),
      ...fusing('BiasAdd'),
    },
  );
  const gated = graph.add('gated', 'Mul', [sum, graph.add('open', 'Sigmoid', [gate])]);
  const pooled = graph.add('pooled', 'Mean', [gated, axes], { keep_dims: { b: false } });
  const hidden = graph.add(
    'hidden',
    '_FusedMatMul',
    [pooled, graph.random('dense', [6, 20], as), graph.random('dense_bias', [20])],
    fusing('BiasAdd', 'Relu'),
  );
  const logits = graph.add(
    'logits',
    '_FusedMatMul',
    [hidden, graph.random('head', [20, 4], as), graph.random('head_bias', [4])],
    fusing('BiasAdd'),
  );
  graph.add('Identity', 'Identity', [logits]);
  // The converter does not keep the nodes in the order in which they are computed.
  graph.nodes.reverse();
  return graph;
}

const modelOf = ({ nodes }: Graph) => ({
  format: 'graph-model',
  modelTopology: { node: nodes, versions: { producer: 1 } },
  signature: {
    inputs: { images: { name: 'images:0' } },
    outputs: { logits: { name: 'Identity:0' } },
  },
});

function save(name: string, graph: Graph): string {
  const path = join(folder, name);
  writeTfjs(path, modelOf(graph), graph.weights, 700);
  return path;
}

/** What TensorFlow.js answers. */
async function theirs(path: string): Promise<number[][]> {
  const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
  const [{ paths, weights }] = json.weightsManifest;
  const data = Buffer.concat(paths.map((one: string) => readFileSync(join(path, one))));
  const weightData = new Uint8Array(data).buffer;
  const artifacts = { ...json, weightSpecs: weights, weightData };
  const model = await loadGraphModel({ load: async () => artifacts });
  return tf.tidy(() =>
    (model.predict(tf.tensor4d(pixels, [2, height, width, 3], 'float32')) as tf.Tensor2D).arraySync(),
  );
}

before(() => startEngine('cpu', { threads: 1 }));

for (const as of [undefined, 'uint8', 'uint16'] as const)
  test(`a graph-model with weights of ${as ?? 'float32'} answers as in TensorFlow.js`, async () => {
    const path = save(`graph-${as}`, everything(as));
    const { network, format } = await importNetwork(path);
    assert.equal(format, 'tfjs');
    const { difference, spread } = compare(await theirs(path), logitsOf(network, pixels));
    assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
  });

/** Hard swish and hard sigmoid as the optimizer leaves them: divided first, or their 3 added to a bias. */
function gates(): Graph {
  const graph = new Graph();
  const scalar = (name: string, value: number) => graph.constant(name, [], [value]);
  const [three, sixth] = [scalar('three', 3), scalar('sixth', 1 / 6)];
  const pixels = graph.add('scaled', 'Mul', [graph.pictures(), scalar('scale', 1 / 32)]);
  const conv = (name: string, x: string, channels: number, ...ops: string[]) =>
    graph.add(
      name,
      '_FusedConv2D',
      [x, graph.random(`${name}_kernel`, [3, 3, channels, 6]), graph.random(`${name}_bias`, [6])],
      { ...windows(1, 'SAME'), ...fusing('BiasAdd', ...ops) },
    );
  const x = conv('first', pixels, 3);
  const open = graph.add('open', 'Relu6', [graph.add('plus', 'AddV2', [x, three])]);
  const swished = graph.add('swished', 'Mul', [graph.add('part', 'Mul', [sixth, x]), open]);
  const gate = graph.add('gate', 'Mul', [conv('shifted', swished, 6, 'Relu6'), sixth]);
  const gated = graph.add('gated', 'Mul', [gate, swished]);
  const lowered = graph.add('lowered', 'Sub', [gated, scalar('half', 0.5)]);
  const pooled = graph.add('pooled', 'Mean', [lowered, graph.constant('axes', [2], [1, 2], 'int32')], {
    keep_dims: { b: false },
  });
  graph.add('Identity', 'Identity', [graph.add('logits', 'MatMul', [pooled, graph.random('head', [6, 4])])]);
  return graph;
}

test("hard swish and hard sigmoid answer as in TensorFlow.js, whatever the optimizer's order", async () => {
  const path = save('gates', gates());
  const { network } = await importNetwork(path);
  const functions = network.layers.flatMap(({ attributes }) => attributes.function ?? []);
  assert.deepEqual(functions, ['hardSwish', 'relu6']);
  const { difference, spread } = compare(await theirs(path), logitsOf(network, pixels));
  assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
});

test('what a graph-model has no layer for is named', async () => {
  const graph = new Graph();
  const conv = graph.add(
    'conv',
    '_FusedConv2D',
    [graph.pictures(), graph.random('kernel', [3, 3, 3, 2]), graph.random('bias', [2])],
    {
      ...windows(1, 'SAME'),
      ...fusing('BiasAdd', 'Elu'),
    },
  );
  const flat = graph.add('flat', 'Reshape', [conv, graph.constant('shape', [2], [-1, 160], 'int32')]);
  graph.add('logits', 'MatMul', [flat, graph.random('dense', [160, 3])]);
  await assertRefused(
    importNetwork(save('elu', graph)),
    /cannot be imported: "conv" is a "Elu", which bat-sup has no layer for/,
  );
});

test('hostile graph-models are refused', async () => {
  const refuses = async (nodes: object[], weights: ModelWeight[], message: RegExp) => {
    const graph = everything();
    const changed = { ...modelOf(graph), modelTopology: { node: [...graph.nodes, ...nodes] } };
    const path = join(folder, 'hostile');
    writeTfjs(path, changed, [...graph.weights, ...weights]);
    await assertRefused(importNetwork(path), message);
  };
  const named = (name: string, op: string, input: string[] = []) => ({ name, op, input });
  await refuses([{ op: 'Relu' }], [], /has a node without a name or an op/);
  await refuses([], [{ name: 'scale', shape: [], values: [1] }], /has two weights named "scale"/);
  await refuses(Array(200_001).fill(named('a', 'b')), [], /has more than 200000 nodes/);
  // A chain that would exhaust the stack, and one that reads itself; neither leads to the logits.
  const chain = Array.from({ length: 100_000 }, (_, index) => named(`n${index}`, 'Relu', [`n${index + 1}`]));
  const circle = [named('p', 'Relu', ['q']), named('q', 'Relu', ['p'])];
  const path = join(folder, 'chain');
  const graph = everything();
  writeTfjs(
    path,
    { ...modelOf(graph), modelTopology: { node: [...chain, ...circle, ...graph.nodes] } },
    graph.weights,
  );
  assert.equal((await importNetwork(path)).network.model.classes.length, 4);
  await refuses(
    [named('tanh', 'Tanh', ['logits']), named('more', 'MatMul', ['tanh', 'head'])],
    [],
    /"tanh" is a "Tanh"/,
  );
});

test('a graph-model that was damaged anywhere is imported, or refused in one line', async () => {
  const path = save('damaged', everything());
  const file = join(path, 'model.json');
  const whole = readFileSync(file, 'utf8');
  const tokens = whole.match(/"[^"]*"|-?[\d.]+|[^\s"\d]/g) as string[];
  const below = (limit: number) => Math.floor(limit * (random.next().value as number));
  const values = tokens.flatMap((token, index) => (/^["\d-]/.test(token) ? [index] : []));
  let refused = 0;
  for (let time = 0; time < 300; time++) {
    const changed = [...tokens];
    const at = values[below(values.length)] as number;
    const other = tokens[values[below(values.length)] as number] as string;
    changed[at] = ['0', '-1', '1e9', '""', 'null', other][below(6)] as string;
    writeFileSync(file, changed.join(''));
    try {
      assert.equal((await importNetwork(path, { format: 'tfjs' })).format, 'tfjs');
    } catch (error) {
      assert.ok(
        error instanceof UserError && !error.message.includes('\n'),
        `${changed[at]} at ${at}: ${error}`,
      );
      refused++;
    }
  }
  assert.ok(refused > 30, `${refused} were refused`);
});

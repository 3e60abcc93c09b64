/** Models within models, and what people put before them. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { exportNetwork } from '../../../src/formats/export.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { type Format, formats, type Network } from '../../../src/formats/index.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf, networkOf, picturesFor } from '../../helpers/network.ts';
import { assertRefused } from '../../helpers/refused.ts';

const folder = temporaryFolder();
let network: Network;
let pixels: Uint8Array;
/** The topology of the network as it is exported: a functional model. */
let plain: { class_name: string; config: { layers: { name: string; class_name: string }[] } };

before(async () => {
  await startEngine('cpu', { threads: 1 });
  network = networkOf();
  pixels = picturesFor(network.model, 2);
  await exportNetwork(network, formats.tfjs as Format, join(folder, 'plain'), {
    weights: 'float32',
    preprocessing: 'outside',
  });
  plain = JSON.parse(readFileSync(join(folder, 'plain', 'model.json'), 'utf8')).modelTopology;
});

/** The plain model with another topology, and files beside it. */
function saved(topology: unknown, files: Record<string, string> = {}): string {
  const path = join(folder, 'changed');
  cpSync(join(folder, 'plain'), path, { recursive: true });
  const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
  writeFileSync(
    join(path, 'model.json'),
    JSON.stringify({ ...json, modelTopology: topology, userDefinedMetadata: null }),
  );
  for (const name of ['metadata.json']) writeFileSync(join(path, name), files[name] ?? '');
  return path;
}

const { shape } = { shape: [null, 28, 20, 3] };
const input = {
  class_name: 'InputLayer',
  name: 'in',
  config: { name: 'in', batch_input_shape: shape },
  inbound_nodes: [],
};
const layer = (class_name: string, name: string, config: object, inbound_nodes: unknown) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes,
});
const reads = (...names: string[]) => [names.map((name) => [name, 0, 0, {}])];
const inner = (name: string, inbound_nodes: unknown) =>
  layer('Functional', name, plain.config, inbound_nodes);
const functional = (layers: object[], output: string) => ({
  class_name: 'Functional',
  config: { name: 'outer', layers, input_layers: [['in', 0, 0]], output_layers: [[output, 0, 0]] },
});
const sequential = (...layers: object[]) => ({ class_name: 'Sequential', config: { name: 'outer', layers } });

async function assertSame(path: string, given: Parameters<typeof importNetwork>[1] = {}): Promise<Network> {
  const back = (await importNetwork(path, given)).network;
  const { difference, spread } = compare(logitsOf(network, pixels), logitsOf(back, pixels));
  assert.ok(difference <= 1e-6 * spread, `${difference} of ${spread}`);
  return back;
}

test('a model within a Sequential model within another answers the same', async () => {
  const nested = sequential({ ...sequential(inner('base', [])), name: 'middle' });
  await assertSame(saved(nested));
});

test('augmentation and arithmetic before a model within', async () => {
  const layers = [
    input,
    layer('RandomFlip', 'flip', { mode: 'horizontal' }, reads('in')),
    layer('Sequential', 'more', { layers: [layer('RandomZoom', 'zoom', {}, [])] }, reads('flip')),
    layer('TFOpLambda', 'divide', { function: 'math.truediv' }, [['more', 0, 0, { y: 127.5, name: null }]]),
    layer('TFOpLambda', 'halve', { function: 'math.multiply' }, [
      ['_CONSTANT_VALUE', -1, 0.5, { y: ['divide', 0, 0] }],
    ]),
    inner('base', reads('halve')),
  ];
  const back = await assertSame(saved(functional(layers, 'base')));
  assert.deepEqual(back.preprocessing, { fit: 'fill', scale: 1 / 255 });
});

test('channels that are reversed before a model are those that it reads', async () => {
  const slice = [{ class_name: '__ellipsis__' }, { start: null, stop: null, step: -1 }];
  const layers = [
    input,
    layer('SlicingOpLambda', 'bgr', { function: '__operators__.getitem' }, [
      ['in', 0, 0, { slice_spec: slice }],
    ]),
    layer('TFOpLambda', 'shift', { function: 'nn.bias_add' }, [['bgr', 0, 0, { bias: [-1, -2, -3] }]]),
    inner('base', reads('shift')),
  ];
  const path = saved(functional(layers, 'base'));
  const { preprocessing, assumed } = (await importNetwork(path)).network;
  assert.equal(preprocessing.order, 'bgr');
  assert.deepEqual(preprocessing.mean, [1, 2, 3]);
  assert.ok(!assumed?.includes('order'));
  // What is given is about the input of the file, whose channels are in the other order.
  const given = { order: 'bgr' as const, mean: [10, 20, 30] };
  const other = (await importNetwork(path, { preprocessing: given })).network.preprocessing;
  assert.equal(other.order, 'rgb');
  assert.deepEqual(other.mean, [31, 22, 13]);
});

test('what Teachable Machine says beside its model is taken', async () => {
  const labels = ['cat', 'dog', 'neither'];
  const machine = JSON.stringify({ packageName: '@teachablemachine/image', labels, imageSize: 224 });
  const { network: back } = await importNetwork(
    saved(sequential(inner('base', [])), { 'metadata.json': machine }),
  );
  assert.deepEqual(back.model.classes, labels);
  assert.deepEqual(back.preprocessing, { fit: 'cover', scale: 1 / 127, mean: [1, 1, 1] });
  assert.deepEqual(back.assumed, []);
});

test('what cannot be taken apart is refused', async () => {
  const refuses = (topology: unknown, message: RegExp) =>
    assertRefused(importNetwork(saved(topology)), message);
  await refuses(
    functional([input, inner('base', [...reads('in'), ...reads('in')])], 'base'),
    /base is used more than once/,
  );
  await refuses(functional([input, inner('base', reads('base'))], 'base'), /reads its own output/);
  await refuses(
    functional([input, layer('Lambda', 'own', {}, reads('in')), inner('base', reads('own'))], 'base'),
    /own is of the class Lambda, for which bat-sup has no layer/,
  );
  let deep: object = inner('base', []);
  for (let level = 0; level < 30; level++) deep = { ...sequential(deep), name: `level${level}` };
  await refuses(sequential(deep), /has models within models, too many of them/);
  const many = Array.from({ length: 4000 }, (_, index) => layer('Identity', `same${index}`, {}, []));
  await refuses(sequential(inner('base', []), ...many), /is one layer too many/);
  const twice = {
    ...plain.config,
    output_layers: [
      ['logits', 0, 0],
      ['logits', 0, 0],
    ],
  };
  await refuses(sequential(layer('Functional', 'base', twice, [])), /base is a model with 2 outputs/);
  await refuses(
    functional(
      [
        input,
        layer('TFOpLambda', 'into', { function: 'math.truediv' }, [
          ['_CONSTANT_VALUE', -1, 1, { y: ['in', 0, 0] }],
        ]),
        inner('base', reads('into')),
      ],
      'base',
    ),
    /into/,
  );
});

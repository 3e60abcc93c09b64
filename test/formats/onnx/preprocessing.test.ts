/** How other programs' ONNX files say, or do not say, what their input is of a pixel. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import type { Assumed } from '../../../src/formats/format.ts';
import { type ImportOptions, importNetwork } from '../../../src/formats/import.ts';
import type { Network } from '../../../src/formats/index.ts';
import { readClassNames } from '../../../src/formats/onnx/class_names.ts';
import { dataTypes, type ModelMessage, models } from '../../../src/formats/onnx/protos.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';

before(() => startEngine('wasm', { threads: 1 }));

const fixtures = fileURLToPath(new URL('fixtures/preprocessing', import.meta.url));
const pixels = Uint8Array.from({ length: 2 * 16 * 12 * 3 }, (_, index) => (index * 37) % 256);
const answers = {
  ...JSON.parse(readFileSync(join(fixtures, 'pytorch.json'), 'utf8')),
  ...JSON.parse(readFileSync(join(fixtures, 'keras.json'), 'utf8')),
};
const size = { width: 12, height: 16 };

async function read(name: string, options: ImportOptions = { size }): Promise<Network> {
  return (await importNetwork(join(fixtures, `${name}.onnx`), options)).network;
}

interface Normalisation {
  scale: number;
  mean?: number[];
  deviation?: number[];
}

const three = (value: number) => [value, value, value];
const centred = { scale: 1, mean: three(127.5), deviation: three(127.5) };
const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const times255 = (values: number[]) => values.map((value) => 255 * value);

/** What each was given by whom exported it is in preprocessing.py. */
const cases: [name: string, normalisation: Normalisation, assumed: Assumed[]][] = [
  ['external', { scale: 1 / 255 }, ['scale', 'order']],
  ['open', { scale: 1 / 255 }, ['size', 'scale', 'order']],
  ['raw', { scale: 1 }, ['order']],
  ['divided', { scale: 1 / 255 }, ['order']],
  ['centred', centred, ['order']],
  ['deviations', { scale: 1 / 255, ...imageNet }, ['scale', 'order']],
  [
    'deviations255',
    { scale: 1, mean: times255(imageNet.mean), deviation: times255(imageNet.deviation) },
    ['order'],
  ],
  ['keras', { scale: 1 / 255 }, ['order']],
  ['keras-offset', centred, ['order']],
];
for (const [name, normalisation, assumed] of cases) {
  test(`${name} answers pictures as where it comes from`, async () => {
    const network = await read(name);
    const { difference, spread } = compare(answers[name], logitsOf(network, pixels));
    assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
    const { fit, ...found } = network.preprocessing;
    assert.equal(fit, 'fill');
    assert.deepEqual(Object.keys(found), Object.keys(normalisation));
    for (const [key, values] of Object.entries(normalisation) as [keyof Normalisation, number | number[]][])
      for (const [channel, value] of [values].flat().entries()) {
        const other = [found[key]].flat()[channel] as number;
        assert.ok(Math.abs(other / value - 1) < 1e-6, `${key}: ${other}`);
      }
    assert.deepEqual(network.assumed, assumed);
    assert.deepEqual([network.model.width, network.model.height], [12, 16]);
  });
}

test('a scale that is given is the input’s, whatever the network makes of it', async () => {
  const network = await read('deviations', { size, preprocessing: { scale: 1 / 255, order: 'rgb' } });
  const { difference, spread } = compare(answers.deviations, logitsOf(network, pixels));
  assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
  assert.deepEqual(network.assumed, []);
  const raw = await read('external', { size, preprocessing: { scale: 1 } });
  assert.equal(raw.preprocessing.scale, 1);
  assert.deepEqual(raw.assumed, ['order']);
});

test('a mean and deviation that are given come before what the network does itself', async () => {
  const inside = await read('deviations');
  const given = { scale: 1 / 255, mean: [0.1, 0.2, 0.3], deviation: [0.5, 0.25, 2] };
  const { preprocessing } = await read('deviations', { size, preprocessing: given });
  for (const channel of [0, 1, 2]) {
    const outer = (0.7 - (given.mean[channel] as number)) / (given.deviation[channel] as number);
    const { mean, deviation } = inside.preprocessing as { mean: number[]; deviation: number[] };
    const expected = (outer - (mean[channel] as number)) / (deviation[channel] as number);
    const composed = preprocessing as typeof given;
    const found = (0.7 - (composed.mean[channel] as number)) / (composed.deviation[channel] as number);
    assert.ok(Math.abs(found - expected) < 1e-5 * Math.abs(expected), `${found}, ${expected}`);
  }
  const same = await read('external', { size, preprocessing: { mean: [0.5] } });
  assert.deepEqual(same.preprocessing.mean, [0.5, 0.5, 0.5]);
  const wrong = read('external', { size, preprocessing: { mean: [0.5, 1] } });
  await assert.rejects(wrong, refuses(/has 3 channels, but the mean given has 2 values/));
});

test('an open size is the one that is given', async () => {
  const { model, assumed } = await read('open', { size: { width: 40, height: 24 } });
  assert.deepEqual([model.width, model.height], [40, 24]);
  assert.ok(assumed?.includes('size'));
});

type Change = (message: ModelMessage) => void;

/** A fixture with something else in it. */
async function importChanged(name: string, change: Change): Promise<Network> {
  const message = models.decode(readFileSync(join(fixtures, `${name}.onnx`)));
  change(message);
  const file = join(temporaryFolder(), 'changed.onnx');
  writeFileSync(file, models.encode(message));
  return (await importNetwork(file, { size })).network;
}

const refuses = (says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, says);
  return !error.message.includes('\n');
};

test('pixels as integers of any type are 0..255', async () => {
  for (const type of [dataTypes.uint8, dataTypes.int32, dataTypes.int64])
    assert.equal(
      (
        await importChanged('raw', ({ graph }) =>
          Object.assign(graph?.input[0]?.type?.tensor_type as object, { elem_type: type }),
        )
      ).preprocessing.scale,
      1,
    );
});

test('a constant along another axis than the channels’ is refused', async () => {
  // [3] along the width of [batch, 3, height, width].
  const change: Change = ({ graph }) => {
    const mean = graph?.initializer.find(({ dims }) => dims.join() === '1,3,1,1');
    assert.ok(mean);
    mean.dims = [3];
  };
  await assert.rejects(importChanged('deviations', change), refuses(/\(Sub\) has a constant of shape \[3\]/));
});

test('constants after the first layer make a layer that scales and shifts', async () => {
  const whole = await read('centred');
  const change: Change = ({ graph }) => {
    const relu = graph?.node.find(({ op_type: type }) => type === 'Relu');
    const of = (name: string, values: number[], dims: number[]) =>
      graph?.initializer.push({
        name,
        dims,
        data_type: 1,
        raw_data: new Uint8Array(Float32Array.from(values).buffer),
      });
    assert.ok(relu && graph);
    of('factors', [2, 3, 4, 5], [1, 4, 1, 1]);
    of('one', [0.5], []);
    const [input, output] = [relu.input[0] as string, relu.output[0] as string];
    const node = (op_type: string, input: string[], output: string) => ({
      op_type,
      name: output,
      input,
      output: [output],
      attribute: [],
    });
    const nodes = [
      node('Mul', ['factors', input], 'a'),
      node('Sub', ['one', 'a'], 'b'),
      node('Relu', ['b'], output),
    ];
    graph.node.splice(graph.node.indexOf(relu), 1, ...nodes);
  };
  const { layers, weights } = await importChanged('centred', change);
  assert.deepEqual(
    layers.slice(0, 2).map((layer) => layer?.kind),
    ['conv', 'batchNorm'],
  );
  assert.deepEqual(weights.get('norm1/scale')?.values, Float32Array.of(-2, -3, -4, -5));
  assert.deepEqual(weights.get('norm1/offset')?.values, Float32Array.of(0.5, 0.5, 0.5, 0.5));
  assert.equal(layers.length, whole.layers.length + 1);
});

test('pictures that are read before they are scaled as well are refused', async () => {
  const change: Change = ({ graph }) => {
    const first = graph?.node.find(({ op_type: type }) => type === 'Conv');
    const input = graph?.input[0]?.name as string;
    const again = { op_type: 'Conv', name: 'again', output: ['again'], attribute: first?.attribute };
    graph?.node.splice(-3, 0, { ...again, input: [input, ...(first?.input.slice(1) ?? [])] } as never);
    const relu = graph?.node.find(({ op_type: type }) => type === 'Relu');
    Object.assign(relu as object, { op_type: 'Add', input: [...(relu?.input ?? []), 'again'] });
  };
  await assert.rejects(
    importChanged('divided', (message) => {
      Object.assign(message.graph?.input[0]?.type?.tensor_type as object, { elem_type: dataTypes.float32 });
      change(message);
      // The relu reads what comes after it is added.
      const { node = [] } = message.graph ?? {};
      const add = node.findIndex(({ op_type: type }) => type === 'Add');
      const again = node.findIndex(({ name }) => name === 'again');
      node.splice(add, 0, ...node.splice(again, 1));
    }),
    refuses(/reads the same values as another node that scales or shifts them/),
  );
});

test('class names in the metadata are taken, where they are one for each output', async () => {
  const named = (value: string) =>
    importChanged('raw', (message) => message.metadata_props.push({ key: 'names', value }));
  const { model } = await named(`{0: 'great tit', 1: "wren's nest", 2: 'a, b: \\'c\\''}`);
  assert.deepEqual(model.classes, ['great tit', "wren's nest", "a, b: 'c'"]);
  assert.deepEqual((await named("{0: 'one', 1: 'two'}")).model.classes, ['class1', 'class2', 'class3']);
});

test('names are read as Python and JSON write them', () => {
  assert.deepEqual(readClassNames("{1: 'b', 0: 'a'}"), ['a', 'b']);
  assert.deepEqual(readClassNames('{"0": "a", "1": "b"}'), ['a', 'b']);
  assert.deepEqual(readClassNames('["蝙蝠", "süp"]'), ['蝙蝠', 'süp']);
  for (const text of [
    '',
    '{}',
    '[]',
    'cat,dog',
    "{0: 'a', 1: 'a'}",
    "{0: 'a', 2: 'b'}",
    '{0: 1}',
    "{'a': 'b'}",
  ])
    assert.equal(readClassNames(text), undefined, text);
});

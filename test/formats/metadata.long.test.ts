/** What each export says of the pictures that it takes, read back from the file itself. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { unzipSync } from 'fflate';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { type ExportOptions, type Format, formats } from '../../src/formats/index.ts';
import { type Input, metadataKey } from '../../src/formats/metadata.ts';
import { models } from '../../src/formats/onnx/protos.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription, networkOf } from '../helpers/network.ts';
import { inside, outside } from '../helpers/network_cases.ts';

before(() => startEngine('wasm', { threads: 1 }));

const folder = temporaryFolder();
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

/** Where each format keeps it; the two of TensorFlow also in a file beside. */
const readers: Record<string, (path: string) => { input: Input }> = {
  'tf-checkpoint': (path) => JSON.parse(readFileSync(join(path, `${metadataKey}.json`), 'utf8')),
  'saved-model': (path) =>
    JSON.parse(readFileSync(join(path, 'assets.extra', `${metadataKey}.json`), 'utf8')),
  tfjs: (path) => JSON.parse(readFileSync(join(path, 'model.json'), 'utf8')).userDefinedMetadata[metadataKey],
  keras: (path) => JSON.parse(text(unzipSync(readFileSync(path))['metadata.json']))[metadataKey],
  onnx(path) {
    const { metadata_props: entries } = models.decode(readFileSync(path));
    return JSON.parse(entries.find(({ key }) => key === metadataKey)?.value ?? '');
  },
  safetensors(path) {
    const data = readFileSync(path);
    const header = JSON.parse(data.subarray(8, 8 + Number(data.readBigUInt64LE(0))).toString());
    return JSON.parse(header.__metadata__[metadataKey]);
  },
  tflite(path) {
    const data = readFileSync(path);
    const zip = data.subarray(data.indexOf('PK\x03\x04', 'latin1')); // behind the model
    return JSON.parse(text(unzipSync(zip)[`${metadataKey}.json`]));
  },
};

async function inputOf(name: string, options: ExportOptions, channels: 1 | 3 = 3): Promise<Input> {
  const format = formats[name] as Format;
  const network = networkOf({ ...articleDescription, channels });
  network.preprocessing = { fit: 'contain', scale: 0.5, order: channels === 3 ? 'bgr' : 'rgb' };
  const path = join(folder, `${name}-${options.preprocessing}-${channels}`, format.output);
  await exportNetwork(network, format, path, options);
  return (readers[name] as (path: string) => { input: Input })(path).input;
}

for (const name of Object.keys(readers)) {
  test(`${name} says what it takes`, async () => {
    const isScaled = name !== 'safetensors';
    const input = await inputOf(name, inside);
    // Whatever the order that it was trained in, only TensorFlow 1's takes what OpenCV reads.
    const order = name === 'tf-checkpoint' ? 'BGR' : 'RGB';
    assert.equal(input.order, order);
    assert.equal(input.scaledInside, isScaled);
    assert.deepEqual(input.range, isScaled ? [0, 255] : [0, 127.5]);
    assert.deepEqual(input.resize, { fit: 'contain', filter: 'lanczos3', background: 'white' });
    const values = isScaled ? '0..255, scaled inside' : '0..255, times 0.5';
    assert.equal(input.description, `${order} pixels, ${values}; 20 x 28, fit contain, lanczos3`);
    assert.equal((await inputOf(name, inside, 1)).order, 'grey');
    if (!formats[name]?.preprocessing) return;
    const left = await inputOf(name, outside);
    assert.deepEqual([left.scaledInside, left.range], [false, [0, 127.5]]);
  });
}

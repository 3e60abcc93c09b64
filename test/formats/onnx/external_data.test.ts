/** Weights in files beside a model, which a model from elsewhere names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { type ModelMessage, models, type TensorMessage } from '../../../src/formats/onnx/protos.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { assertRefused } from '../../helpers/refused.ts';

before(() => startEngine('wasm', { threads: 1 }));

const fixture = fileURLToPath(new URL('fixtures/preprocessing/external.onnx', import.meta.url));
const data = 'external.onnx.data';
const folders = temporaryFolder();
const newFolder = () => mkdtempSync(join(folders, 'a'));

/** A copy of what PyTorch exported, changed. */
function copy(change: (tensors: TensorMessage[], message: ModelMessage) => void = () => {}): string {
  const folder = join(newFolder(), 'model');
  mkdirSync(folder);
  const message = models.decode(readFileSync(fixture));
  const outside = message.graph?.initializer.filter(({ data_location: location }) => location === 1) ?? [];
  assert.ok(outside.length >= 2);
  change(outside, message);
  writeFileSync(join(folder, 'external.onnx'), models.encode(message));
  copyFileSync(`${fixture}.data`, join(folder, data));
  return folder;
}

const set = (tensor: TensorMessage | undefined, key: string, value: string) =>
  Object.assign(tensor?.external_data?.find((entry) => entry.key === key) as object, { value });

const read = (folder: string) => importNetwork(join(folder, 'external.onnx'));

const assertFolderRefused = (folder: string, message: RegExp) => assertRefused(read(folder), message);

test('paths that lead out of the folder are refused', async () => {
  for (const path of [
    '../external.onnx.data',
    `${newFolder()}/x`,
    'a/../../x',
    '..',
    '',
    'a\\..\\..\\x',
    'a\0b',
  ])
    await assertFolderRefused(
      copy((tensors) => set(tensors[0], 'location', path)),
      /which is not a file beside it/,
    );
});

test('a link out of the folder is refused, one within it is followed', async () => {
  const folder = copy((tensors) => set(tensors[0], 'location', 'link'));
  const elsewhere = join(newFolder(), 'elsewhere');
  copyFileSync(`${fixture}.data`, elsewhere);
  symlinkSync(elsewhere, join(folder, 'link'));
  await assertFolderRefused(folder, /is a link to another folder/);
  const within = copy((tensors) => {
    for (const tensor of tensors) set(tensor, 'location', 'link');
  });
  symlinkSync(data, join(within, 'link'));
  assert.equal((await read(within)).network.model.classes.length, 3);
});

test('a model and its weights that are both links into one folder are read', async () => {
  const store = copy();
  const folder = join(newFolder(), 'snapshot');
  mkdirSync(folder);
  for (const name of ['external.onnx', data]) symlinkSync(join(store, name), join(folder, name));
  assert.equal((await read(folder)).network.model.classes.length, 3);
});

test('weights in a folder below the model’s are read', async () => {
  const folder = copy((tensors) => {
    for (const tensor of tensors) set(tensor, 'location', 'weights/all');
  });
  mkdirSync(join(folder, 'weights'));
  linkSync(join(folder, data), join(folder, 'weights', 'all'));
  assert.equal((await read(folder)).network.model.classes.length, 3);
});

test('a file that is missing, too short, or not a file is named', async () => {
  await assertFolderRefused(
    copy((tensors) => set(tensors[0], 'location', 'absent.data')),
    /has its weights in "absent\.data", which is missing; copy that file beside the model/,
  );
  const short = copy();
  truncateSync(join(short, data), 100);
  await assertFolderRefused(short, /external\.onnx\.data is damaged \(it has 100 bytes/);
  const pipe = copy((tensors) => set(tensors[0], 'location', 'pipe'));
  execFileSync('mkfifo', [join(pipe, 'pipe')]);
  await assertFolderRefused(pipe, /is a pipe, not a regular file/);
});

test('offsets and lengths that cannot be are refused', async () => {
  for (const [key, value] of [
    ['offset', '-1'],
    ['offset', '1e3'],
    ['length', '99999999999999999999'],
    ['length', ''],
  ] as const)
    await assertFolderRefused(
      copy((tensors) => set(tensors[0], key, value)),
      new RegExp(`has the ${key} "`),
    );
  await assertFolderRefused(
    copy((tensors) => set(tensors[0], 'length', '4')),
    /has 4 bytes for the shape/,
  );
});

test('tensors that lie in the same bytes are refused', async () => {
  const folder = copy(([one, other]) => {
    const offset = one?.external_data?.find(({ key }) => key === 'offset')?.value ?? '0';
    set(other, 'offset', offset);
  });
  await assertFolderRefused(folder, /share bytes of .*external\.onnx\.data/);
});

test('weights that many nodes read are refused once they are large', async () => {
  const message = models.decode(readFileSync(fixture));
  const { graph } = message;
  assert.ok(graph);
  const channels = 40;
  const [kernel] = [{ name: 'kernel', dims: [channels, channels, 3, 3], data_type: 1 }];
  const raw = new Uint8Array(4 * channels * channels * 9);
  graph.initializer = [{ ...kernel, raw_data: raw } as TensorMessage];
  const attribute = [{ name: 'pads', type: 7, ints: [1, 1, 1, 1] }];
  const node = (index: number) => ({
    op_type: 'Conv',
    name: `conv${index}`,
    input: [index === 0 ? 'images' : `maps${index - 1}`, 'kernel'],
    output: [`maps${index}`],
    attribute,
  });
  const first = {
    ...kernel,
    name: 'first',
    dims: [channels, 3, 3, 3],
    raw_data: new Uint8Array(4 * channels * 27),
  };
  graph.initializer.push(first as TensorMessage);
  graph.node = Array.from({ length: 300 }, (_, index) => node(index)) as never;
  Object.assign(graph.node[0] as object, { input: ['images', 'first'] });
  Object.assign(graph.output[0] as object, { name: 'maps299' });
  const folder = newFolder();
  writeFileSync(join(folder, 'external.onnx'), models.encode(message));
  await assertFolderRefused(folder, /the node conv2 shares "kernel" with another/);
  // Through other names as well.
  graph.node = graph.node.flatMap((one, index) => {
    const own = {
      op_type: 'Identity',
      name: `own${index}`,
      input: ['kernel'],
      output: [`own${index}`],
      attribute: [],
    };
    return index === 0 ? [one] : [own, { ...one, input: [one.input[0] as string, `own${index}`] }];
  });
  writeFileSync(join(folder, 'external.onnx'), models.encode(message));
  await assertFolderRefused(folder, /the node own2 shares "kernel" with another/);
});

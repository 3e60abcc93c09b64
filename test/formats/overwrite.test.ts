import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { type Format, formats, type Network } from '../../src/formats/index.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { networkOf } from '../helpers/network.ts';
import { inside } from '../helpers/network_cases.ts';
import { assertRefused } from '../helpers/refused.ts';

const folder = temporaryFolder();
let network: Network;

before(async () => {
  await startEngine('wasm', { threads: 1 });
  network = networkOf();
});

const write = (name: string, target: string, overwrite?: boolean) =>
  exportNetwork(network, formats[name] as Format, target, inside, { overwrite });

test('a file is replaced only where that is asked for', async () => {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, 'mine');
  await assertRefused(write('onnx', file), /already exists; replace it with --overwrite/);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
  await write('onnx', file, true);
  const first = readFileSync(file);
  assert.ok(first.length > 1000);
  await write('onnx', file, true);
  assert.deepEqual(readFileSync(file), first);
});

test('a folder is replaced whole where it is an export, and left where it holds anything else', async () => {
  const target = join(folder, 'tfjs');
  await write('tfjs', target);
  await assertRefused(write('tfjs', target), /already exists/);
  // Of an export with more weights.
  writeFileSync(join(target, 'group1-shard2of2.bin'), '');
  await write('tfjs', target, true);
  assert.deepEqual(readdirSync(target).sort(), ['group1-shard1of1.bin', 'model.json']);
  writeFileSync(join(target, 'notes.txt'), 'mine');
  await assertRefused(write('tfjs', target, true), /tfjs holds notes\.txt, which is not part of this export/);
  assert.equal(readFileSync(join(target, 'notes.txt'), 'utf8'), 'mine');
});

test('pictures in a folder of that name stay', async () => {
  const target = join(folder, 'rawdata');
  mkdirSync(join(target, 'cat'), { recursive: true });
  writeFileSync(join(target, 'cat', '000.png'), 'a picture');
  for (const name of ['onnx', 'saved-model'])
    await assertRefused(
      write(name, target, true),
      /rawdata holds cat(\/000\.png)?, which is not part of this export/,
    );
  assert.ok(existsSync(join(target, 'cat', '000.png')));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('tmp')),
    [],
  );
});

test('a folder takes the place of a file, and nothing is left behind', async () => {
  const target = join(folder, 'saved');
  writeFileSync(target, 'a file');
  await write('saved-model', target, true);
  assert.ok(existsSync(join(target, 'saved_model.pb')));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('tmp')),
    [],
  );
});

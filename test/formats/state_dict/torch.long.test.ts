/** State_dicts of torchvision's and timm's networks: what they answer there, they answer here. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { withoutNative } from '../../helpers/native.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { python, withoutPackage } from '../../helpers/python.ts';
import { assertTable } from '../../zoo/table.ts';

interface Case {
  file: string;
  /** Its name in docs/networks.md; null: it is not there. */
  row: string | null;
  width: number;
  height: number;
  channels: number;
  architecture: string | null;
  logits: number[][];
}

const skip = withoutPackage('torch', 'torchvision', 'timm', 'safetensors');
const folder = temporaryFolder();
let cases: Case[] = [];

before(() => {
  if (skip) return;
  const script = fileURLToPath(new URL('make_networks.py', import.meta.url));
  execFileSync(python, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
});

const failures: Record<string, Set<string>> = { native: new Set(), wasm: new Set() };

for (const engineName of ['native', 'wasm'] as const)
  test(`every network answers as in PyTorch, on ${engineName}`, {
    skip: skip || (engineName === 'native' && withoutNative()),
  }, async (t) => {
    const engine = await startEngine(engineName, { threads: 1 });
    t.after(() => engine.dispose());
    assert.ok(cases.length > 30);
    for (const { file, width, height, channels, architecture, logits } of cases) {
      const { network } = await importNetwork(join(folder, file), {
        size: { width, height },
        name: architecture ?? undefined,
      });
      assert.equal(network.model.channels, channels);
      assert.equal(network.model.classes.length, logits[0]?.length);
      const { difference, spread } = compare(
        logitsOf(network, readFileSync(join(folder, `${file}.pixels`))),
        logits,
      );
      if (!(difference <= 1e-5 * spread)) failures[engineName]?.add(`${file}: ${difference} of ${spread}`);
    }
    assert.deepEqual([...(failures[engineName] ?? [])], []);
  });

test('the documented table of networks is what was found', { skip: skip || withoutNative() }, () => {
  const isExact = (file: string, engine: string) =>
    ![...(failures[engine] ?? [])].some((failure) => failure.startsWith(`${file}:`));
  const found = cases.filter(({ row }) => row !== null);
  const rows = found.map(({ row, file, architecture }) => [
    row as string,
    ['native', 'wasm'].every((engine) => isExact(file, engine)) ? 'yes' : 'no',
    architecture ? `\`--network ${architecture}\`` : '',
  ]);
  assertTable('state_dict', [['network', 'answers alike', 'say'], ...rows]);
});

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
import { compare, logitsOf } from '../../helpers/network.ts';
import { python, withoutPackage } from '../../helpers/python.ts';

interface Case {
  file: string;
  name: string;
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

for (const engineName of ['native', 'wasm'] as const)
  test(`every network answers as in PyTorch, on ${engineName}`, { skip }, async (t) => {
    const engine = await startEngine(engineName, { threads: 1 });
    t.after(() => engine.dispose());
    assert.ok(cases.length > 30);
    for (const { file, width, height, channels, architecture, logits } of cases) {
      const { network } = await importNetwork(join(folder, file), {
        size: { width, height },
        architecture: architecture ?? undefined,
      });
      assert.equal(network.model.channels, channels);
      assert.equal(network.model.classes.length, logits[0]?.length);
      const found = compare(logitsOf(network, readFileSync(join(folder, `${file}.pixels`))), logits);
      assert.ok(found.difference <= 1e-5 * found.spread, `${file}: ${found.difference} of ${found.spread}`);
    }
  });

/** Branches and squeeze-and-excitation as Keras 2 and 3 save them: ours against theirs. */
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

before(() => startEngine('wasm', { threads: 1 }));

const script = fileURLToPath(new URL('branches.py', import.meta.url));
const pixels = Uint8Array.from({ length: 2 * 12 * 13 * 3 }, (_, index) => (index * 37) % 256);

/** A graph has a fully connected layer of maps as operations that bat-sup does not put together again. */
const notFromGraphs = 'means reshaped, dense';

for (const version of ['2', '3'])
  test(`Keras ${version}`, { skip: withoutPackage('keras', 'tf_keras', 'tensorflow') }, async (t) => {
    const folder = temporaryFolder();
    execFileSync(python, [script, folder, version], { stdio: 'pipe' });
    const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
    for (const [name, theirs] of Object.entries(answers))
      for (const suffix of ['.keras', '.h5', '']) {
        const file = join(folder, `${name}${suffix}`);
        if (name === notFromGraphs && suffix === '') continue;
        if (name === 'hard sigmoid' && version === '2' && suffix === '') {
          await assert.rejects(importNetwork(file), file);
          continue;
        }
        const { network } = await importNetwork(file);
        const { difference, spread } = compare(theirs as number[][], logitsOf(network, pixels));
        t.diagnostic(`${name}${suffix}: ${difference} of ${spread}`);
        assert.ok(difference <= 1e-5 * spread, `${name}${suffix}: ${difference} of ${spread}`);
      }
  });

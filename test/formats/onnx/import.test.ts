import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { python, withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

const script = fileURLToPath(new URL('pytorch.py', import.meta.url));
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const pixels = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, (_, index) => (index * 37) % 256);

/** What PyTorch answered, against what bat-sup makes of what PyTorch exported. */
async function checkFolder(folder: string): Promise<void> {
  const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
  for (const prefix of ['', 'old-']) {
    const plain = await importNetwork(join(folder, `${prefix}plain.onnx`), { classes: ['a', 'b', 'c'] });
    assert.deepEqual(plain.network.model.classes, ['a', 'b', 'c']);
    const { difference, spread } = compare(answers.plain, logitsOf(plain.network, pixels));
    assert.ok(difference <= 1e-5 * spread, `${prefix}plain: ${difference} of ${spread}`);

    const { network } = await importNetwork(join(folder, `${prefix}residual.onnx`));
    assert.deepEqual(network.model.classes, ['class1', 'class2', 'class3']);
    const probabilities = tf.tidy(() => tf.softmax(tf.tensor2d(logitsOf(network, pixels))).arraySync());
    const found = compare(answers.residual, probabilities as number[][]);
    assert.ok(found.difference <= 1e-5, `${prefix}residual: ${found.difference}`);

    await assert.rejects(importNetwork(join(folder, `${prefix}halving.onnx`)), (error) => {
      assert.ok(error instanceof UserError);
      return /\(Conv\) pads by \[1,1,1,1\] maps of 32 x 32; bat-sup's layers pad as/.test(error.message);
    });
  }
}

test('what PyTorch exported answers here as there', () => checkFolder(fixtures));

test('what this PyTorch exports answers here as there', { skip: withoutPyTorch() }, async () => {
  const folder = temporaryFolder();
  execFileSync(python, [script, folder], { stdio: 'pipe' });
  await checkFolder(folder);
});

/** Not even CI installs it: pip has PyTorch with gigabytes of CUDA only. The fixtures are what it exported. */
function withoutPyTorch(): string | false {
  return withoutPackage('torch', { inCi: false }) || withoutPackage('onnxscript', { inCi: false });
}

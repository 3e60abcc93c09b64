import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';

const folder = temporaryFolder();
const pixels = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, (_, index) => (index * 37) % 256);

before(() => startEngine('wasm', { threads: 1 }));

test('what Keras made answers here as there', { skip: withoutPackage('keras') }, async () => {
  const answers = runPython(new URL('make.py', import.meta.url), folder) as Record<string, number[][]>;
  for (const ending of ['.keras', '.h5', '']) {
    for (const name of ['sequential', 'functional', 'valid', 'mobile', 'average']) {
      const { network } = await importNetwork(join(folder, name + ending));
      const { difference, spread } = compare(answers[name] as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-5 * spread, `${name}${ending}: ${difference} of ${spread}`);
    }
    const { network } = await importNetwork(join(folder, `softmax${ending}`));
    const probabilities = tf.tidy(() => tf.softmax(tf.tensor2d(logitsOf(network, pixels))).arraySync());
    assert.ok(compare(answers.softmax as number[][], probabilities as number[][]).difference <= 1e-5);
    await assert.rejects(
      importNetwork(join(folder, `normalised${ending}`)),
      /norm is of the class LayerNormalization, for which bat-sup|norm_1.*, which bat-sup has no layer for/,
    );
  }
});

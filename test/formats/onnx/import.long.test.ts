import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { type ModelMessage, models, type NodeMessage } from '../../../src/formats/onnx/protos.ts';
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

    // The padding of halving is not that of SAME.
    for (const name of ['halving', 'mobile']) {
      const { network: read } = await importNetwork(join(folder, `${prefix}${name}.onnx`));
      const against = compare(answers[name], logitsOf(read, pixels));
      assert.ok(against.difference <= 1e-5 * against.spread, `${prefix}${name}: ${against.difference}`);
    }
  }
}

test('what PyTorch exported answers here as there', () => checkFolder(fixtures));

test('what this PyTorch exports answers here as there', {
  skip: withoutPackage('torch', 'onnxscript'),
}, async () => {
  const folder = temporaryFolder();
  execFileSync(python, [script, folder], { stdio: 'pipe' });
  await checkFolder(folder);
});

type Change = (message: ModelMessage) => void;
const node = (message: ModelMessage, operator: string) =>
  message.graph?.node.find((one) => one.op_type === operator) as NodeMessage;
const inexpressible: [what: string, change: Change, says: RegExp][] = [
  [
    'weights in a file that is not named',
    ({ graph }) => Object.assign(graph?.initializer[0] as object, { data_location: 1 }),
    /"first\.weight" is in "", which is not a file beside it/,
  ],
  [
    'pooling that pads maps which may be below zero',
    (message) => {
      Object.assign(node(message, 'Relu'), { op_type: 'Identity' });
      node(message, 'MaxPool')
        .attribute.find(({ name }) => name === 'pads')
        ?.ints?.fill(1);
    },
    /\(MaxPool\) pads maps that may be negative by \[1,1,1,1\]/,
  ],
  [
    'an operator that is no layer',
    (message) => Object.assign(node(message, 'Relu'), { op_type: 'Gelu' }),
    /\(Gelu\) is an operator for which bat-sup has no layer/,
  ],
  [
    'an operator of another domain',
    (message) => Object.assign(node(message, 'Relu'), { domain: 'com.microsoft' }),
    /\(Relu\) is an operator for which/,
  ],
  [
    'a dilated convolution',
    (message) =>
      node(message, 'Conv')
        .attribute.find(({ name }) => name === 'dilations')
        ?.ints?.fill(2),
    /\(Conv\) has dilations/,
  ],
  [
    'convolutions in groups that their channels cannot be divided into',
    (message) =>
      Object.assign(node(message, 'Conv').attribute.find(({ name }) => name === 'group') as object, { i: 2 }),
    /\(Conv\) has kernels for 3 channels in 2 groups, but its input has 3 channels/,
  ],
  [
    'weights of another length than their shape',
    ({ graph }) => graph?.initializer[0]?.dims.fill(2 ** 40),
    /the tensor first\.weight has \d+ bytes for the shape/,
  ],
  [
    'pictures of four channels',
    ({ graph }) =>
      Object.assign(graph?.input[0]?.type?.tensor_type?.shape?.dim[1] as object, { dim_value: 4 }),
    /pictures have 1 or 3 channels/,
  ],
];
for (const [what, change, says] of inexpressible) {
  test(`${what} cannot be imported, and one line says why`, async () => {
    const message = models.decode(readFileSync(join(fixtures, 'plain.onnx')));
    change(message);
    const file = join(temporaryFolder(), 'changed.onnx');
    writeFileSync(file, models.encode(message));
    await assert.rejects(importNetwork(file), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, says);
      return !error.message.includes('\n') && error.message.startsWith(file);
    });
  });
}

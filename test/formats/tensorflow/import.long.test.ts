import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import type { Network } from '../../../src/formats/index.ts';
import { modelOf } from '../../../src/formats/network.ts';
import { toPictures } from '../../../src/models/to_pictures.ts';
import { Adam } from '../../../src/training/adam.ts';
import { trainStep } from '../../../src/training/step.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf, picturesFor } from '../../helpers/network.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';

const size = { width: 26, height: 22, channels: 3 as const };
const folder = temporaryFolder();
const pixels = picturesFor({ architecture: 'article', ...size, classes: [] }, 6);
/** TensorFlow's logits, by the name of the checkpoint. */
let theirs: Record<string, { logits: number[][]; 'after another step': number[][] }>;

/** What the network answers once it has learnt once more from the batch that TensorFlow learnt from. */
function logitsAfterStep(network: Network): number[][] {
  const model = modelOf(network);
  const { step = 0, m = new Map(), v = new Map() } = network.optimizer ?? {};
  const moments = new Map(
    [...model.variables.keys()].flatMap((name): [string, Float32Array][] => [
      [`${name}/m`, m.get(name)?.values ?? new Float32Array(model.variables.get(name)?.size ?? 0)],
      [`${name}/v`, v.get(name)?.values ?? new Float32Array(model.variables.get(name)?.size ?? 0)],
    ]),
  );
  const adam = new Adam(model.variables, moments);
  const labels = Array.from({ length: 6 }, (_, index) => index % 2);
  trainStep(model, adam, { pixels, labels }, { step: step + 1, learningRate: 1e-3 })();
  const logits = tf.tidy(() => model.forward(toPictures(pixels, model)).arraySync());
  adam.dispose();
  model.dispose();
  return logits;
}

describe('TensorFlow 1 checkpoints', { skip: withoutPackage('tensorflow') }, () => {
  before(async () => {
    await startEngine('wasm', { threads: 1 });
    writeFileSync(join(folder, 'pixels'), pixels);
    const task = { folder, pixels: join(folder, 'pixels'), ...size };
    writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
    theirs = runPython(new URL('make_checkpoints.py', import.meta.url), join(folder, 'task.json'));
  });

  const cases: [
    name: string,
    architecture: string,
    preprocessing: { order: 'rgb' | 'bgr'; scale: number },
  ][] = [
    ['article', 'article', { order: 'bgr', scale: 1 }],
    ['article-resource', 'article', { order: 'bgr', scale: 1 }],
    ['weights-alone', 'article', { order: 'bgr', scale: 1 }],
    ['scopes', 'layers', { order: 'rgb', scale: 1 / 255 }],
    ['strided', 'layers', { order: 'bgr', scale: 1 / 127.5 }],
    ['sigmoid', 'layers', { order: 'bgr', scale: 1 }],
    ['scaled-within', 'layers', { order: 'bgr', scale: 1 }],
  ];
  for (const [name, architecture, { order, scale }] of cases) {
    test(`${name}: the same logits as TensorFlow's`, async () => {
      const { format, network } = await importNetwork(join(folder, name), { classes: ['bat', 'sup'] });
      assert.equal(format, 'tf-checkpoint');
      const { layers: _, ...model } = network.model;
      assert.deepEqual(model, { architecture, ...size, classes: ['bat', 'sup'] });
      assert.equal(network.preprocessing.order, order);
      assert.equal(network.optimizer === undefined, name === 'weights-alone');
      assert.ok(Math.abs(network.preprocessing.scale / scale - 1) < 1e-6);
      const { difference, spread } = compare(theirs[name]?.logits as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-5 * spread, `they differ by ${difference}, of a spread of ${spread}`);
    });
  }

  for (const [name, steps] of [
    ['article', 2],
    ['article-resource', 2],
    ['strided', 3],
    ['sigmoid', 2],
  ] as const) {
    test(`${name}: another step of Adam's leads where it leads TensorFlow`, async () => {
      const { network } = await importNetwork(join(folder, name));
      assert.equal(network.optimizer?.step, steps);
      const wanted = theirs[name]?.['after another step'] as number[][];
      const learnt = compare(wanted, logitsAfterStep(network));
      const moved = compare(wanted, logitsOf(network, pixels)).difference;
      assert.ok(learnt.difference < 1e-3 * moved, `they differ by ${learnt.difference} of ${moved}`);
      const { optimizer: _, ...forgetful } = network;
      assert.ok(compare(wanted, logitsAfterStep(forgetful)).difference > 0.01 * moved);
    });
  }

  test('one of its files names a checkpoint, too', async () => {
    const all = join(folder, 'strided');
    const newest = await importNetwork(join(all, 'model.ckpt-11.index'));
    const older = await importNetwork(join(all, 'model.ckpt-9.meta'));
    const difference = (network: typeof newest) =>
      compare(theirs.strided?.logits as number[][], logitsOf(network.network, pixels)).difference;
    assert.ok(difference(newest) < 1e-5);
    assert.ok(difference(older) > 1e-3);
  });

  test('a checkpoint without its graph is refused, saying what is missing', async () => {
    const alone = temporaryFolder();
    for (const name of ['model.index', 'model.data-00000-of-00001'])
      copyFileSync(join(folder, 'sigmoid', name), join(alone, name));
    await assert.rejects(importNetwork(alone), /has no \.meta file, which describes the network/);
  });

  test('a network that bat-sup has no layers for is refused, saying where', async () => {
    const reasonFor = (name: string) =>
      importNetwork(join(folder, name)).then(
        () => 'imported',
        (error) => (error instanceof UserError ? error.message : `thrown: ${error}`),
      );
    assert.match(await reasonFor('softplus'), /model\.meta cannot be imported: "softened" is a "Softplus"/);
    assert.match(await reasonFor('last-unknown'), /"bent" is a "Tanh"/);
  });
});

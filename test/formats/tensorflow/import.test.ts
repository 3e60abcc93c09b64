import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf, picturesFor } from '../../helpers/network.ts';
import { runPython, withoutPython } from '../../helpers/python.ts';

const size = { width: 26, height: 22, channels: 3 as const };
const folder = temporaryFolder();
const pixels = picturesFor({ architecture: 'article', ...size, classes: [] }, 6);
/** TensorFlow's logits, by the name of the checkpoint. */
let theirs: Record<string, number[][]>;

describe('TensorFlow 1 checkpoints', { skip: withoutPython() }, () => {
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
    ['scopes', 'layers', { order: 'rgb', scale: 1 / 255 }],
    ['strided', 'layers', { order: 'bgr', scale: 1 / 127.5 }],
  ];
  for (const [name, architecture, { order, scale }] of cases) {
    test(`${name}: the same logits as TensorFlow's`, async () => {
      const { format, network } = await importNetwork(join(folder, name), { classes: ['bat', 'sup'] });
      assert.equal(format, 'tf-checkpoint');
      const { layers: _, ...model } = network.model;
      assert.deepEqual(model, { architecture, ...size, classes: ['bat', 'sup'] });
      assert.equal(network.preprocessing.order, order);
      assert.ok(Math.abs(network.preprocessing.scale / scale - 1) < 1e-6);
      const { difference, spread } = compare(theirs[name] as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-5 * spread, `they differ by ${difference}, of a spread of ${spread}`);
    });
  }

  test('one of its files names a checkpoint, too', async () => {
    const all = join(folder, 'strided');
    const newest = await importNetwork(join(all, 'model.ckpt-11.index'));
    const older = await importNetwork(join(all, 'model.ckpt-9.meta'));
    const difference = (network: typeof newest) =>
      compare(theirs.strided as number[][], logitsOf(network.network, pixels)).difference;
    assert.ok(difference(newest) < 1e-5);
    assert.ok(difference(older) > 1e-3);
  });

  test('a network that bat-sup has no layers for is refused, saying where', async () => {
    const reasonFor = (name: string) =>
      importNetwork(join(folder, name)).then(
        () => 'imported',
        (error) => (error instanceof UserError ? error.message : `thrown: ${error}`),
      );
    assert.match(await reasonFor('sigmoid'), /model\.meta cannot be imported: "squashed" is a "Sigmoid"/);
    assert.match(await reasonFor('last-unknown'), /"bent" is a "Tanh"/);
    assert.match(await reasonFor('scaled-within'), /"mul" multiplies within the network/);
  });
});

/** Biases and shapes that ONNX graphs compute, against ONNX Runtime. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

const pixels = Uint8Array.from({ length: 2 * 4 * 5 * 3 }, (_, index) => (index * 37) % 256);

test('what a graph computes from constants and shapes is what ONNX Runtime computes', {
  skip: withoutPackage('onnx', 'onnxruntime'),
}, async (t) => {
  const folder = temporaryFolder();
  const answers = runPython(new URL('folding.py', import.meta.url), folder);
  assert.ok(Object.keys(answers).length >= 15);
  for (const [name, logits] of Object.entries(answers))
    await t.test(name, async () => {
      const { network } = await importNetwork(`${folder}/${name}.onnx`);
      const { difference, spread } = compare(logits as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-6 * spread, `${difference} of ${spread}`);
      // Nothing is left of the arithmetic.
      assert.deepEqual(
        network.layers.map(({ kind }) => kind),
        ['flatten', 'fullyConnected'],
      );
    });
});

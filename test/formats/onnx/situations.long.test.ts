/** Small networks with what users of other importers of ONNX reported: each answers as in PyTorch, or its refusal says why. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';
import { assertRefused } from '../../helpers/refused.ts';

before(() => startEngine('wasm', { threads: 1 }));

const pixels = Uint8Array.from({ length: 2 * 12 * 15 * 3 }, (_, index) => (index * 37) % 256);

/** What cannot be imported, with the reason. */
const refused: Record<string, RegExp> = {
  indexed: /\(Gather\) takes a part of maps; bat-sup can only take the colours of the pictures apart/,
  shuffled: /\(Reshape\) reshapes \[NaN,8,12,15\] to \[.*\]; bat-sup can only flatten maps to one axis/,
  split: /\(Split\) takes a part of maps/,
  'largest-means': /\(ReduceMax\) is an operator for which bat-sup has no layer/,
  'average-ceil-padded': /\(AveragePool\) leaves its padding \[0,0,2,1\] out of the means/,
  reflected: /\(Pad\) does not pad maps with zeros around them/,
  dilated: /\(Conv\) has dilations/,
};

test('what other importers stumbled over answers as in PyTorch', {
  skip: withoutPackage('torch', 'onnx', 'onnxscript'),
}, async (t) => {
  const folder = temporaryFolder();
  const answers = runPython(new URL('situations.py', import.meta.url), folder);
  assert.ok(Object.keys(answers).length >= 35);
  for (const [name, logits] of Object.entries(answers))
    await t.test(name, async () => {
      const imported = importNetwork(`${folder}/${name}.onnx`);
      if (refused[name]) return assertRefused(imported, refused[name]);
      const { network } = await imported;
      const { difference, spread } = compare(logits as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
    });
});

/** Small networks with what users of other importers of ONNX reported: each answers as in PyTorch, or its refusal says why. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { importNetwork } from '../../../src/formats/import.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { assertRefused } from '../../helpers/refused.ts';

const pixels = Uint8Array.from({ length: 2 * 12 * 15 * 3 }, (_, index) => (index * 37) % 256);

/** What cannot be imported, with the reason. */
const refused: Record<string, RegExp> = {
  indexed: /\(Gather\) takes a part of maps; bat-sup can only take the colours of the pictures apart/,
  shuffled: /\(Reshape\) reshapes \[batch,8,12,15\] to \[.*\]; bat-sup can only flatten maps to one axis/,
  split: /\(Split\) takes a part of maps/,
  'largest-means': /\(ReduceMax\) is an operator for which bat-sup has no layer/,
  reflected: /\(Pad\) does not pad maps with zeros around them/,
  dilated: /\(Conv\) has dilations/,
};

/** Imports all networks that situations.py wrote to a folder. */
export async function checkSituations(t: TestContext, folder: string): Promise<void> {
  const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
  assert.ok(Object.keys(answers).length >= 35);
  for (const [name, logits] of Object.entries(answers))
    await t.test(name, async () => {
      const imported = importNetwork(join(folder, `${name}.onnx`));
      if (refused[name]) return assertRefused(imported, refused[name]);
      const { network } = await imported;
      const { difference, spread } = compare(logits as number[][], logitsOf(network, pixels));
      assert.ok(difference <= 1e-5 * spread, `${difference} of ${spread}`);
    });
}

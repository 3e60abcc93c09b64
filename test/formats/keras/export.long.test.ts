import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCasesBeyondTfjs, outside } from '../../helpers/network_cases.ts';
import { askPython, exportAll, rgbNormalisation } from '../../helpers/other_side.ts';
import { withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

interface Answer {
  logits: number[][];
  again: string;
  legacy: string;
}

test('Keras answers the same, and what it saves is imported the same', {
  skip: withoutPackage('keras'),
}, async (t) => {
  const asked = await exportAll('keras', networkCasesBeyondTfjs(), [inside, outside]);
  const answers = askPython<Answer>(new URL('run.py', import.meta.url), asked);
  for (const [index, { name, network, options, pixels }] of asked.entries()) {
    const { logits, again, legacy } = answers[index] as Answer;
    const own = logitsOf(network, pixels);
    const { difference, spread } = compare(own, logits);
    t.diagnostic(`${name}: ${difference} of ${spread}`);
    assert.ok(difference <= 1e-5 * spread, `${name}: ${difference} of ${spread}`);
    for (const file of [again, legacy]) {
      const preprocessing = options.preprocessing === 'outside' ? rgbNormalisation(network) : {};
      const { classes } = network.model;
      const back = await importNetwork(file, { classes, preprocessing });
      assert.equal(back.format, 'keras');
      assert.deepEqual(back.network.model, network.model);
      assert.ok(
        compare(own, logitsOf(back.network, pixels)).difference <= 1e-6 * spread,
        `${name} from ${file}`,
      );
    }
  }
});

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { metadataKey } from '../../../src/formats/metadata.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCasesBeyondTfjs, outside } from '../../helpers/network_cases.ts';
import { askPython, exportAll } from '../../helpers/other_side.ts';
import { withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

interface Answer {
  input: string;
  logits: number[][];
  probabilities: number[][];
  metadata: Record<string, string>;
}

/** The greatest difference from bat-sup's logits, as a share of their spread. */
const tolerances = { float32: 1e-5, float16: 2e-3, int8: 0.05 };

const skip = withoutPackage('onnxruntime', 'onnx');

test('ONNX Runtime answers the same', { skip }, async (t) => {
  const ways = [inside, outside, { ...inside, weights: 'float16' }, { ...inside, weights: 'int8' }] as const;
  const asked = await exportAll('onnx', networkCasesBeyondTfjs(), [...ways]);
  const answers = askPython<Answer>(new URL('run.py', import.meta.url), asked);
  for (const [index, { name, network, options, pixels }] of asked.entries()) {
    const { logits, probabilities, metadata, input } = answers[index] as Answer;
    const own = logitsOf(network, pixels);
    const { difference, spread } = compare(own, logits);
    t.diagnostic(`${name}: ${difference} of ${spread}`);
    assert.ok(difference <= tolerances[options.weights] * spread, `${name}: ${difference} of ${spread}`);
    assert.equal(input, 'pictures');
    for (const [row, values] of probabilities.entries()) {
      const powers = (logits[row] as number[]).map((value) => Math.exp(value / network.temperature));
      const sum = powers.reduce((total, power) => total + power, 0);
      for (const [place, value] of values.entries())
        assert.ok(Math.abs(value - (powers[place] as number) / sum) < 1e-6);
    }
    const about = JSON.parse(metadata[metadataKey] as string);
    assert.deepEqual(about.classes, network.model.classes);
    assert.equal(about.preprocessing.scale, network.preprocessing.scale);
  }
});

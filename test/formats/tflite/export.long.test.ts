import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../../src/engine/index.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCasesBeyondTfjs, outside } from '../../helpers/network_cases.ts';
import { askPython, exportAll } from '../../helpers/other_side.ts';
import { withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

interface Answer {
  logits: number[][];
  single: number[][];
  probabilities: number[][];
  labels: string[];
  about: unknown;
}

/** The greatest difference from bat-sup's logits, as a share of their spread; with int8 weights, LiteRT rounds maps as well. */
const tolerances = { float32: 1e-5, float16: 2e-3, int8: 0.05 };

test('LiteRT answers the same', { skip: withoutPackage('tensorflow') }, async (t) => {
  const ways = [inside, outside, { ...inside, weights: 'float16' }, { ...inside, weights: 'int8' }] as const;
  const asked = await exportAll('tflite', networkCasesBeyondTfjs(), [...ways]);
  const answers = askPython<Answer>(new URL('run.py', import.meta.url), asked);
  for (const [index, { name, network, options, pixels }] of asked.entries()) {
    const answer = answers[index] as Answer;
    const own = logitsOf(network, pixels);
    for (const logits of [answer.logits, answer.single]) {
      const { difference, spread } = compare(own, logits);
      t.diagnostic(`${name}: ${difference} of ${spread}`);
      assert.ok(difference <= tolerances[options.weights] * spread, `${name}: ${difference} of ${spread}`);
    }
    const calibrated = tf.tidy(() =>
      tf.softmax(tf.div(tf.tensor2d(answer.logits), network.temperature)).arraySync(),
    );
    assert.ok(compare(calibrated as number[][], answer.probabilities).difference < 1e-6);
    assert.deepEqual(answer.labels, network.model.classes);
    assert.deepEqual((answer.about as { classes: string[] }).classes, network.model.classes);
  }
});

/** Networks that people build around another one, as Keras 2 and 3 and TensorFlow.js's converter write them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { python, withoutPackage } from '../../helpers/python.ts';

const skip = withoutPackage('keras', 'tf_keras', 'tensorflowjs');
const endings = ['.keras', '.h5', '-export', '-tfjs'];

interface Answer {
  logits: number[][];
  /** What the same network answers in float64. */
  exact: number[][];
  /** Why Keras or the converter could not save it, by the ending. */
  errors: Record<string, string>;
}

/** Keras 2 writes the same in another way. */
const versions = {
  3: ['caffe', 'arithmetic', 'normalised', 'same_names', 'deep', 'reshapes', 'separable', 'rescaled'],
  2: ['caffe', 'normalised', 'same_names', 'sequentials'],
};

/** Logits up to what they all share, which a softmax takes off. */
const centred = (rows: number[][]) =>
  rows.map((row) => row.map((value) => value - row.reduce((sum, one) => sum + one, 0) / row.length));

before(() => startEngine('wasm', { threads: 2 }));

for (const [version, names] of Object.entries(versions))
  test(`networks around others answer as in Keras ${version}`, { skip }, async (t) => {
    const folder = temporaryFolder();
    const script = fileURLToPath(new URL('nested.py', import.meta.url));
    execFileSync(python, [script, folder, version, ...names], { stdio: 'ignore' });
    const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Record<string, Answer>;
    const pixels = new Uint8Array(readFileSync(join(folder, 'pixels')));
    assert.deepEqual(Object.keys(answers).sort(), [...names].sort());
    for (const [name, { logits, exact, errors }] of Object.entries(answers)) {
      const keras = compare(centred(exact), centred(logits));
      // Rounding grows in some networks with random weights; Keras itself is then no nearer to the exact answer.
      const allowed = Math.max(1e-5, 3 * (keras.difference / keras.spread));
      for (const ending of endings.filter((one) => !errors[one])) {
        const imported = importNetwork(join(folder, name + ending), { preprocessing: { scale: 1 } });
        const { difference, spread } = compare(
          centred(exact),
          centred(logitsOf((await imported).network, pixels)),
        );
        t.diagnostic(`${name}${ending}: ${difference / spread}, Keras ${keras.difference / keras.spread}`);
        assert.ok(difference <= allowed * spread, `${name}${ending}: ${difference} of ${spread}`);
      }
    }
  });

/** Networks that people build around another one, as Keras 2 and 3 and TensorFlow.js's converter write them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import { startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { mutations } from '../../helpers/mutations.ts';
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
  3: [
    'caffe',
    'arithmetic',
    'normalised',
    'same_names',
    'deep',
    'partly_frozen',
    'reshapes',
    'separable',
    'rescaled',
  ],
  2: ['caffe', 'normalised', 'same_names', 'partly_frozen', 'sequentials'],
};

/** Logits up to what they all share, which a softmax takes off. */
const centred = (rows: number[][]) =>
  rows.map((row) => row.map((value) => value - row.reduce((sum, one) => sum + one, 0) / row.length));

const { below, oneOf, mutateBytes, mutateJson } = mutations(17);

/** Something of a JSON text is moved elsewhere: a layer into another model, one's name to another. */
function moved(data: Uint8Array): Uint8Array {
  const tokens = Buffer.from(data)
    .toString()
    .match(/"[^"]*"|-?[\d.]+|[^\s"\d]/g) as string[];
  const texts = tokens.flatMap((token, index) => (token.startsWith('"') ? [index] : []));
  tokens[oneOf(texts)] = tokens[oneOf(texts)] as string;
  return Buffer.from(tokens.join(''));
}

const damageJson = (data: Uint8Array) => (below(2) === 0 ? moved(data) : mutateJson(data));

/** Reads networks within networks that are damaged in many ways: each is imported, or refused in one line. */
async function damageNested(folder: string): Promise<void> {
  const rezipped = (name: string, mutate: (data: Uint8Array) => Uint8Array) => (data: Uint8Array) => {
    const files = unzipSync(data);
    return zipSync({ ...files, [name]: mutate(files[name] as Uint8Array) }, { level: 0 });
  };
  const ways: [file: string, changed: string, mutate: (data: Uint8Array) => Uint8Array][] = [
    ['same_names.keras', 'same_names.keras', rezipped('config.json', damageJson)],
    ['same_names.keras', 'same_names.keras', rezipped('model.weights.h5', mutateBytes)],
    ['same_names.h5', 'same_names.h5', mutateBytes],
    ['same_names-tfjs', 'same_names-tfjs/model.json', damageJson],
  ];
  for (const [file, changed, mutate] of ways) {
    const path = join(folder, changed);
    // The converter cannot write all that Keras 2 can.
    if (!existsSync(path)) continue;
    const whole = readFileSync(path);
    let refused = 0;
    for (let time = 0; time < 150; time++) {
      writeFileSync(path, mutate(whole));
      try {
        await importNetwork(join(folder, file), { format: file.endsWith('-tfjs') ? 'tfjs' : 'keras' });
      } catch (error) {
        assert.ok(error instanceof UserError, (error as Error).stack);
        assert.ok(!error.message.includes('\n'), error.message);
        refused++;
      }
    }
    assert.ok(refused > 15, `${refused} of ${file} were refused`);
    writeFileSync(path, whole);
  }
}

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
    await damageNested(folder);
  });

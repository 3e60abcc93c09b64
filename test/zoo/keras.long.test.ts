/** Keras's networks, as Keras 2 and 3 and TensorFlow.js's converter write them: each answers here as it does there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../src/engine/index.ts';
import { UserError } from '../../src/errors.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, logitsOf } from '../helpers/network.ts';
import { python, withoutPackage } from '../helpers/python.ts';
import { assertTable } from './table.ts';

const names = [
  'MobileNet',
  'MobileNetV2',
  'MobileNetV3Small',
  'MobileNetV3Large',
  'EfficientNetB0',
  'DenseNet121',
  'ResNet50',
  'ResNet50V2',
  'VGG16',
];

/** What a network is saved as, by the heading of the table. */
const endings = {
  '`.keras`': ['.keras'],
  '`.h5`': ['.h5'],
  SavedModel: ['-export', '-saved'],
  'layers-model': ['-tfjs'],
  'graph-model': ['-graph'],
};

interface Answer {
  logits: number[][];
  /** Why Keras or the converter could not save it, by the ending. */
  errors: Record<string, string>;
}

const skip = withoutPackage('keras', 'tf_keras', 'tensorflowjs');
const folder = temporaryFolder();
/** What the table says of each network. */
const found = new Map<string, string[]>();

/** Lets Keras make and save a network. */
function make(name: string, version: 2 | 3): Answer {
  const script = fileURLToPath(new URL('keras_networks.py', import.meta.url));
  execFileSync(python, [script, folder, String(version), 'all', name], { stdio: 'ignore' });
  return JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'))[name];
}

/** Keras 2 writes the same formats in another way; these networks have all that differs. */
const versionsOf = (name: string) =>
  ['MobileNetV2', 'MobileNetV3Small', 'EfficientNetB0'].includes(name) ? ([2, 3] as const) : ([3] as const);

/** The converter leaves out weights of Keras 2's layers that are named like a part of another: "Conv/BatchNorm" and "Conv". */
const isIncomplete = (name: string, version: number, ending: string) =>
  version === 2 && name.startsWith('MobileNetV3') && ending === '-tfjs';

/** What the table says of a file: 'yes', or what is wrong. */
async function judge(file: string, logits: number[][], pixels: Uint8Array): Promise<string> {
  try {
    const { network } = await importNetwork(file, { preprocessing: { scale: 1 } });
    const { difference, spread } = compare(logits, logitsOf(network, pixels));
    return difference <= 1e-5 * spread ? 'yes' : `differs by ${(difference / spread).toExponential(0)}`;
  } catch (error) {
    if (error instanceof UserError) return error.message.replace(/^.* cannot be imported: /, '');
    throw error;
  }
}

for (const name of names)
  test(`${name} answers as in Keras`, { skip }, async (t) => {
    const problems = new Map<string, string>();
    const judged = new Set<string>();
    const failures: Record<string, string> = {};
    for (const version of versionsOf(name)) {
      const { logits, errors } = make(name, version);
      Object.assign(failures, errors);
      const pixels = new Uint8Array(readFileSync(join(folder, 'pixels')));
      for (const engine of ['wasm', 'native'] as const) {
        const running = await startEngine(engine, { threads: 2 });
        for (const [heading, all] of Object.entries(endings))
          for (const ending of all) {
            if (errors[ending]) continue;
            judged.add(heading);
            const judgement = await judge(join(folder, name + ending), logits, pixels);
            t.diagnostic(`Keras ${version} ${ending} ${engine}: ${judgement}`);
            if (isIncomplete(name, version, ending))
              assert.match(judgement, /^Conv\/BatchNorm has no moving_mean/);
            else if (judgement !== 'yes') problems.set(heading, judgement);
          }
        await running.dispose();
      }
      for (const ending of Object.values(endings).flat())
        if (existsSync(join(folder, name + ending))) rmSync(join(folder, name + ending), { recursive: true });
    }
    found.set(
      name,
      Object.entries(endings).map(([heading, all]) => {
        const why = all.map((ending) => failures[ending]?.replace(/\s+/g, ' ')).find(Boolean);
        return problems.get(heading) ?? (judged.has(heading) ? 'yes' : `cannot be saved: ${why}`);
      }),
    );
  });

test('the table of networks says what was found', { skip }, () => {
  const rows = names.map((name) => [name, ...(found.get(name) ?? [])]);
  assertTable('keras', [['network', ...Object.keys(endings)], ...rows]);
});

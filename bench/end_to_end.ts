/**
 * Whole trainings, from a folder of JPEGs to a trained network: bat-sup, PyTorch and Keras as their users write it.
 *
 * npm run bench -- end_to_end [--pictures 2000] [--epochs 3] [--batch 10] [--rounds 3] [--engines native]
 *   [--against pytorch,keras] [--pytorch-python python] [--keras-python python] [--json]
 *
 * bat-sup resizes the pictures into data/ first, as `bat-sup train` always does. Rounds alternate, after one to warm up.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin } from '../test/helpers/bin.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { writePhotographs } from './inputs/drawings.ts';
import { type Command, timeCommand } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  pictures: 2000,
  epochs: 3,
  batch: 10,
  rounds: 3,
  engines: ['native'],
  against: ['pytorch', 'keras'] as ('pytorch' | 'keras')[],
  'pytorch-python': '',
  'keras-python': '',
});
const { epochs, batch } = options;

interface Contestant extends Command {
  /** Validation accuracy of the last epoch, from what the command prints. */
  accuracyIn(stdout: string): number;
}

function ours(engine: string): Contestant {
  const settings = { epochs, 'batch-size': batch, 'learning-rate': 3e-4, engine };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return {
    name: `bat-sup train, ${engine}`,
    command: [process.execPath, bin, 'train', '--json', ...flags],
    accuracyIn: (stdout) => JSON.parse(stdout).metrics.validationAccuracy,
  };
}

function rival(packages: 'pytorch' | 'keras'): Contestant {
  const python = pythonWith(packages, options[`${packages}-python`]);
  return {
    name: packages,
    command: pythonScript(python, `end_to_end_${packages}.py`, 'rawdata', epochs, batch),
    accuracyIn: (stdout) => Number(stdout.trim().split('\n').at(-1)),
  };
}

const folder = temporaryFolder();
await writePhotographs(join(folder, 'rawdata'), options.pictures);
const contestants = [...options.engines.map(ours), ...options.against.map(rival)];
const results = await alternate(contestants, options.rounds, (one) => {
  for (const made of ['data', 'checkpoints']) rmSync(join(folder, made), { recursive: true, force: true });
  const { seconds, stdout } = timeCommand(one, folder);
  return { seconds, accuracy: one.accuracyIn(stdout) };
});
const medians = [...results.values()].map((rounds) => median(rounds.map(({ seconds }) => seconds)));
const rows = [...results].map(([{ name }, rounds], index) => ({
  name,
  seconds: round(medians[index] as number, 1),
  'x ours': round((medians[index] as number) / (medians[0] as number), 2),
  'validation accuracy': round(rounds.at(-1)?.accuracy ?? Number.NaN, 3),
}));
report('end_to_end', options, { pictures: options.pictures, epochs, batch, contestants: rows });

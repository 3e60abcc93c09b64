/**
 * Time from a folder of photographs to a judged model with `bat-sup train --pretrained`, by the number of pictures, their
 * size and the number of threads; against a PyTorch script with scikit-learn, and cold predictions with the result.
 *
 * npm run bench -- pretrained [--pictures 100,600,4000] [--sizes 128,224,320] [--threads 1,2] [--engines native,wasm]
 *   [--rounds 3] [--python python] [--against sklearn] [--json]
 *
 * JPEGs of 640 x 480 in two classes (600 different ones, then links to them), whole processes: from files, which are decoded and resized, to a checkpoint and its
 * validation. Nothing is cached but the files and the network. "again" is a second training with another split, whose
 * features are cached. Sizes and threads vary with --pictures' second number. PyTorch's script computes the same features,
 * with Pillow's pictures and the same split of 80 to 20, and fits one penalty, without a choice.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bin } from '../test/helpers/bin.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import {
  folderWith,
  forgetTrainings,
  trainPretrained,
  useFreshCache,
} from './inputs/pretrained_trainings.ts';
import { timeCommand } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  pictures: [100, 600, 4000],
  sizes: [128, 224, 320],
  threads: [1, 2],
  engines: ['native', 'wasm'],
  rounds: 3,
  against: ['sklearn'],
  python: '',
});
const [few = 100, typical = few] = options.pictures;

interface Setup {
  engine: string;
  count: number;
  side: number;
  threads: number;
}

interface Times {
  first: number;
  /** Absent for what caches nothing. */
  again?: number;
}

/** Seconds of a first training, and of a second one with another split. */
async function timeOurs({ count, ...setup }: Setup): Promise<Times> {
  const folder = await folderWith(count);
  forgetTrainings(folder);
  useFreshCache();
  const first = trainPretrained({ ...setup, seed: 1 }, folder).seconds;
  return { first, again: trainPretrained({ ...setup, seed: 2 }, folder).seconds };
}

async function timeScript(count: number): Promise<number> {
  const folder = await folderWith(count);
  const [python, rawdata] = [pythonWith('transfer', options.python), join(folder, 'rawdata')];
  const command = pythonScript(python, 'transfer_sklearn.py', rawdata, rawdata, '1');
  return JSON.parse(timeCommand({ name: 'PyTorch and scikit-learn', command }, folder).stdout).seconds;
}

async function byPictures() {
  const contestants = [...options.engines, ...options.against];
  const rows = [];
  for (const count of options.pictures) {
    const threads = Math.max(...options.threads);
    const results = await alternate(contestants, options.rounds, async (name): Promise<Times> => {
      if (name === 'sklearn') return { first: await timeScript(count) };
      return timeOurs({ engine: name, count, side: 224, threads });
    });
    for (const [name, rounds] of results) {
      const again = rounds.flatMap((times) => times.again ?? []);
      rows.push({
        pictures: count,
        name,
        seconds: round(median(rounds.map(({ first }) => first)), 1),
        ...(again.length > 0 && { again: round(median(again), 1) }),
      });
    }
  }
  return rows;
}

async function bySizeAndThreads() {
  const rows = [];
  for (const engine of options.engines)
    for (const side of options.sizes)
      for (const threads of options.threads) {
        const { first } = await timeOurs({ engine, count: typical, side, threads });
        rows.push({ engine, pictures: typical, side, threads, seconds: round(first, 1) });
      }
  return rows;
}

/** Whole processes that classify one picture with the network just trained. */
async function coldPredict() {
  const folder = await folderWith(few);
  useFreshCache();
  forgetTrainings(folder);
  trainPretrained({ engine: 'wasm', side: 224, threads: 1, seed: 1 }, folder);
  const [picture = ''] = readdirSync(join(folder, 'rawdata', 'one'));
  const commands = options.engines.map((engine) => ({
    name: engine,
    command: [process.execPath, bin, 'predict', join('rawdata', 'one', picture), '--engine', engine],
  }));
  const results = await alternate(
    commands,
    2 * options.rounds + 1,
    (one) => timeCommand(one, folder).seconds,
  );
  return [...results].map(([{ name }, seconds]) => ({ name, seconds: round(median(seconds), 2) }));
}

report('pretrained', options, {
  byPictures: await byPictures(),
  bySizeAndThreads: await bySizeAndThreads(),
  coldPredict: await coldPredict(),
});

/**
 * Time from a folder of photographs to a judged model with `bat-sup train --pretrained`, by the number of pictures, their
 * size and the number of threads; against a PyTorch script with scikit-learn, and cold predictions with the result.
 *
 * npm run bench -- pretrained [--pictures 100,600,4000] [--sizes 128,224,320] [--threads 1,2] [--engines native,wasm]
 *   [--rounds 3] [--python python] [--against sklearn] [--json]
 *
 * JPEGs of 640 x 480 in two classes, whole processes: from files, which are decoded and resized, to a checkpoint and its
 * validation. Nothing is cached but the files and the network. "again" is a second training with another split, whose
 * features are cached. Sizes and threads vary with --pictures' second number. PyTorch's script computes the same features,
 * with Pillow's pictures and the same split of 80 to 20, and fits one penalty, without a choice.
 */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin } from '../test/helpers/bin.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { photographs } from './inputs/photographs.ts';
import { type Command, timeCommand } from './measure/command.ts';
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
const installed = fileURLToPath(new URL('../.cache/xdg/bat-sup', import.meta.url));
const [few = 100, typical = few] = options.pictures;

/** Links photographs into <folder>/rawdata/<class>/, alternately. */
async function writeClasses(count: number): Promise<string> {
  const source = await photographs(count, 640, 480);
  const folder = temporaryFolder();
  for (const name of ['one', 'two']) mkdirSync(join(folder, 'rawdata', name), { recursive: true });
  for (const [index, name] of readdirSync(source).sort().entries())
    symlinkSync(join(source, name), join(folder, 'rawdata', index % 2 === 0 ? 'one' : 'two', name));
  return folder;
}

/** A cache with the engine and the networks of this checkout, and without features. */
function freshCache(): string {
  const cache = temporaryFolder();
  mkdirSync(join(cache, 'bat-sup'));
  symlinkSync(join(installed, 'native'), join(cache, 'bat-sup', 'native'));
  cpSync(join(installed, 'backbones'), join(cache, 'bat-sup', 'backbones'), { recursive: true });
  return cache;
}

interface Setup {
  engine: string;
  count: number;
  side: number;
  threads: number;
}

const folders = new Map<number, string>();

async function folderOf(count: number): Promise<string> {
  const known = folders.get(count) ?? (await writeClasses(count));
  folders.set(count, known);
  return known;
}

function train({ engine, side, threads }: Setup, folder: string, seed: number): number {
  const size = ['--width', side, '--height', side].map(String);
  const flags = [
    '--pretrained',
    ...size,
    '--engine',
    engine,
    '--threads',
    String(threads),
    '--seed',
    String(seed),
  ];
  const command: Command = {
    name: `bat-sup, ${engine}`,
    command: [process.execPath, bin, 'train', '--json', ...flags],
  };
  return timeCommand(command, folder).seconds;
}

interface Times {
  first: number;
  /** Absent for what caches nothing. */
  again?: number;
}

/** Seconds of a first training, and of a second one with another split. */
async function timeOurs(setup: Setup): Promise<Times> {
  const folder = await folderOf(setup.count);
  for (const made of ['data', 'checkpoints']) rmSync(join(folder, made), { recursive: true, force: true });
  process.env.XDG_CACHE_HOME = freshCache();
  return { first: train(setup, folder, 1), again: train(setup, folder, 2) };
}

async function timeScript(count: number): Promise<number> {
  const folder = await folderOf(count);
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
  const folder = await folderOf(few);
  process.env.XDG_CACHE_HOME = freshCache();
  rmSync(join(folder, 'checkpoints'), { recursive: true, force: true });
  train({ engine: 'wasm', count: few, side: 224, threads: 1 }, folder, 1);
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

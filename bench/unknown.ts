/**
 * How pictures of no class are told from known ones: train --unknown, against the probabilities and the energy.
 *
 * npm run bench -- unknown [--sets stamps,emoji,demo] [--seed 1] [--fresh] [--json]
 *
 * Trains `bat-sup train --pretrained --unknown` without one of the classes, for each in turn, and asks about held-out
 * pictures of the others, which are known, and about all pictures of that class, which are unknown. The demo has two
 * classes, which a training needs: it is trained on both, and drawings of four other categories are unknown. ROC-AUC of
 * the distance, of the highest probability (softmax), and of the energy, -log sum exp of the logits. "rejected" and
 * "caught" are the shares of the known and of the unknown that are answered "unknown"; "caught at 5 %" at the limit that
 * rejects 5 % of these known pictures. Answers are kept in .cache/bench-recipe/unknown, so that an interrupted run
 * continues; --fresh trains again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { caughtAt, rocAucOf } from '../src/unknown/left_out.ts';
import { highestProbability, limit } from '../src/unknown/rejection.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings, writeOtherDrawings } from './inputs/demo_drawings.ts';
import { timeCommand } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { mean } from './measure/statistics.ts';

type PictureSet = 'stamps' | 'emoji' | 'demo';

const options = readOptions({ sets: ['stamps', 'emoji', 'demo'] as PictureSet[], seed: 1, fresh: false });

const size = 224;
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));
const results = join(cache, 'unknown');
const bin = fileURLToPath(new URL('../dist/bin/bat-sup.js', import.meta.url));

// The engine and the backbone that scripts/prepare.mjs and `bat-sup setup` have put there.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));

const namesIn = (folder: string) => readdirSync(folder).filter((name) => !name.startsWith('.'));

/** A training, and the folders that are asked about. */
interface Task {
  name: string;
  data: string;
  /** The classes to train on. */
  classes: string[];
  known: string;
  unknown: string[];
}

async function tasksOf(set: PictureSet): Promise<Task[]> {
  if (set === 'demo') {
    const folder = await writeDemoDrawings(cache, size);
    const others = await writeOtherDrawings(cache, size);
    const [data, known] = [join(folder, 'data'), join(folder, 'held-out')];
    const unknown = (name: string) => [join(others, name)];
    return namesIn(others).map((name) => ({
      name,
      data,
      classes: namesIn(data),
      known,
      unknown: unknown(name),
    }));
  }
  const folder = await writeCategories(set, cache, size);
  const [data, known] = [join(folder, 'data'), join(folder, 'held-out')];
  const all = namesIn(data);
  return all.map((name) => ({
    name,
    data,
    classes: all.filter((one) => one !== name),
    known,
    unknown: [join(data, name), join(known, name)],
  }));
}

/** What is known of a picture: its distance, and the logits. */
interface Row {
  distance: number;
  logits: number[];
}

/** predict --csv --activation none: file, class, logit, a column for each class, distance, error. */
function rowsOf(csv: string, classes: number): Row[] {
  const lines = csv.trim().split('\n').slice(1);
  return lines.map((line) => {
    const numbers = line
      .split(',')
      .slice(-classes - 2, -1)
      .map(Number);
    return { distance: numbers.at(-1) as number, logits: numbers.slice(0, -1) };
  });
}

const trained = new Map<string, string>();

/** The folder of a training; one for all tasks of the same classes. */
function train({ data, classes }: Task): string {
  const key = JSON.stringify([data, classes]);
  const before = trained.get(key);
  if (before !== undefined) return before;
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'pictures'));
  for (const name of classes) symlinkSync(join(data, name), join(folder, 'pictures', name));
  const flags = ['--data', 'pictures', '--pretrained', '--unknown', '--seed', String(options.seed), '--json'];
  timeCommand({ name: 'train', command: [process.execPath, bin, 'train', ...flags] }, folder);
  trained.set(key, folder);
  return folder;
}

function ask(folder: string, pictures: string[], classes: number): Row[] {
  const flags = ['--csv', '--activation', 'none'];
  const command = [process.execPath, bin, 'predict', ...pictures, ...flags];
  return rowsOf(timeCommand({ name: 'predict', command }, folder).stdout, classes);
}

/** The rows of known and of unknown pictures, from an earlier run or asked for now. */
function answers(set: PictureSet, task: Task): { known: Row[]; unknown: Row[] } {
  const file = join(results, `${set}-${task.name.replaceAll(/[^\w-]+/g, '-')}-${options.seed}.json`);
  if (existsSync(file) && !options.fresh) return JSON.parse(readFileSync(file, 'utf8'));
  const { classes } = task;
  const folder = train(task);
  const known = ask(
    folder,
    classes.map((name) => join(task.known, name)),
    classes.length,
  );
  const rows = { known, unknown: ask(folder, task.unknown, classes.length) };
  writeFileSync(file, JSON.stringify(rows));
  console.error(`${set}, unknown: ${task.name}`);
  return rows;
}

const scores = {
  distance: ({ distance }: Row) => distance,
  softmax: ({ logits }: Row) => 1 - highestProbability(Float32Array.from(logits)),
  energy: ({ logits }: Row) => {
    const highest = Math.max(...logits);
    return -highest - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  },
};

function areaUnder(known: Row[], unknown: Row[], score: (row: Row) => number): number {
  const all = Float64Array.from([...known, ...unknown], score);
  return rocAucOf(all, (picture) => picture >= known.length) as number;
}

const shareBeyond = (rows: Row[]) => rows.filter(({ distance }) => distance > limit).length / rows.length;

function caughtAtFive(known: Row[], unknown: Row[], score: (row: Row) => number): number {
  return caughtAt(Float64Array.from(known, score).sort(), Float64Array.from(unknown, score), 0.05).caught;
}

function figuresOf({ known, unknown }: { known: Row[]; unknown: Row[] }) {
  return {
    'ROC-AUC': areaUnder(known, unknown, scores.distance),
    softmax: areaUnder(known, unknown, scores.softmax),
    energy: areaUnder(known, unknown, scores.energy),
    rejected: shareBeyond(known),
    caught: shareBeyond(unknown),
    'caught at 5 %': caughtAtFive(known, unknown, scores.distance),
    'softmax at 5 %': caughtAtFive(known, unknown, scores.softmax),
  };
}

type Figures = ReturnType<typeof figuresOf>;

const rounded = (figures: Figures) =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value.toFixed(3)]));

function meanOf(all: Figures[]): Figures {
  const names = Object.keys(all[0] as Figures) as (keyof Figures)[];
  return Object.fromEntries(names.map((name) => [name, mean(all.map((one) => one[name]))])) as Figures;
}

async function compare(): Promise<void> {
  mkdirSync(results, { recursive: true });
  const rows = [];
  for (const set of options.sets) {
    const all: Figures[] = [];
    for (const task of await tasksOf(set)) {
      const figures = figuresOf(answers(set, task));
      all.push(figures);
      rows.push({ set, unknown: task.name, ...rounded(figures) });
    }
    rows.push({ set, unknown: 'mean', ...rounded(meanOf(all)) });
  }
  report('unknown', options, { rows });
}

await compare();

/**
 * What --recipe best is worth: held-out accuracy on real pictures of concepts that were never shown, the article's
 * recipe and the best against each other, and the article's in Keras beside them.
 * npm run bench -- recipe [--sets emoji,stamps] [--contestants article,best,keras] [--seeds 1,2,3,4,5] [--engine native] [--json]
 * Contestants are also residual, which is best with that network, and without-<setting>, which is best with that
 * setting as the article's recipe has it. Every training is kept in .cache/bench-recipe/results by what it sets, and a
 * bench that was interrupted goes on; --fresh begins anew. All see the same pictures, the same split for a seed, and the
 * same number of epochs; of each the epoch with the best validation answers.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Config, type Settings, settingNames, settingsInForce } from '../src/config/index.ts';
import { recipes } from '../src/config/recipes.ts';
import { settings as allSettings } from '../src/config/settings.ts';
import { packPictures } from '../src/dataset/pack.ts';
import { type Dataset, scanDataset } from '../src/dataset/scan.ts';
import { splitPictures } from '../src/dataset/split.ts';
import { startEngine } from '../src/engine/index.ts';
import { decodePicture } from '../src/images/decode.ts';
import { loadPredictor } from '../src/predict/load_predictor.ts';
import { train } from '../src/training/train.ts';
import { pythonWith } from './against/python.ts';
import { type CategorySet, writeCategories } from './inputs/categories.ts';

const { values: options } = parseArgs({
  options: {
    sets: { type: 'string', default: 'emoji,stamps' },
    contestants: { type: 'string', default: 'article,best,keras' },
    seeds: { type: 'string', default: '1,2,3,4,5' },
    engine: { type: 'string', default: 'native' },
    'keras-python': { type: 'string' },
    fresh: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** So many that a training takes about a minute on two cores. */
const epochs: Record<CategorySet, number> = { emoji: 20, stamps: 30 };
/** Pixels a side. */
const size = 48;
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));
const results = join(cache, 'results');

interface Trained {
  /** Of the held-out pictures. */
  accuracy: number;
  validationAccuracy: number;
  seconds: number;
}

interface Task {
  set: CategorySet;
  seed: number;
  engine: string;
  /** As flags of `bat-sup train`. */
  flags: Config;
}

async function settingsOf({ set, seed, engine, flags }: Task, data: string): Promise<Settings> {
  const given = { data, seed, engine, width: size, height: size, epochs: epochs[set], keepCheckpoints: 1 };
  const inForce = await settingsInForce({ ...given, ...flags }, { folder: data, environment: {} });
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}

/** Pictures that nothing was learnt from: uint8 pixels, and each one's class. */
async function heldOut(place: string): Promise<{ dataset: Dataset; pixels: Uint8Array[] }> {
  const dataset = await scanDataset(join(place, 'held-out'));
  const shape = { width: size, height: size, channels: 3, fit: 'fill' } as const;
  return {
    dataset,
    pixels: await Promise.all(dataset.pictures.map(({ file }) => decodePicture(file, shape))),
  };
}

async function trainOurs(task: Task): Promise<Trained> {
  const place = await writeCategories(task.set, cache, size);
  const settings = await settingsOf(task, join(place, 'data'));
  const engine = await startEngine(settings.engine, settings);
  const run = mkdtempSync(join(tmpdir(), 'bench-recipe-'));
  try {
    const before = performance.now();
    const { best } = await train({ settings, run });
    const seconds = (performance.now() - before) / 1000;
    const model = await loadPredictor(run);
    const { dataset, pixels } = await heldOut(place);
    const answers = await model.predict(pixels, 'none');
    const right = dataset.pictures.filter(({ label }, index) => {
      const logits = answers[index] as Float32Array;
      return logits.indexOf(Math.max(...logits)) === label;
    });
    const validationAccuracy = best?.metrics.validationAccuracy ?? 0;
    return { accuracy: right.length / pixels.length, validationAccuracy, seconds };
  } finally {
    rmSync(run, { recursive: true });
    await engine.dispose();
  }
}

/** The article's network and settings on the same split. */
async function trainKeras(task: Task): Promise<Trained> {
  const place = await writeCategories(task.set, cache, size);
  const data = join(place, 'data');
  const settings = await settingsOf(task, data);
  const dataset = await scanDataset(data);
  const pack = await packPictures(dataset, { folder: data, size: settings, workers: 0 });
  const { seed, batchSize, learningRate } = settings;
  const classes = dataset.classes.length;
  const { lookalikes } = pack;
  const share = settings.validationSplit;
  const split = splitPictures(dataset.pictures, { classes, share, seed, lookalikes });
  const exam = await heldOut(place);
  const folder = mkdtempSync(join(tmpdir(), 'bench-recipe-'));
  try {
    writeFileSync(join(folder, 'held-out.u8'), Buffer.concat(exam.pixels));
    const labels = dataset.pictures.map(({ label }) => label);
    const heldOutLabels = exam.dataset.pictures.map(({ label }) => label);
    const files = { pictures: pack.file, heldOut: join(folder, 'held-out.u8') };
    const all = { ...files, ...split, labels, heldOutLabels, size, classes, seed, batchSize, learningRate };
    writeFileSync(join(folder, 'task.json'), JSON.stringify({ ...all, epochs: settings.epochs }));
    const script = fileURLToPath(new URL('./against/recipe_keras.py', import.meta.url));
    const python = pythonWith(options['keras-python'], 'keras');
    const answer = execFileSync(python, [script, join(folder, 'task.json')], {
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    return JSON.parse(answer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In a process of its own, so that it begins as every training does. */
function trainInChild(task: Task): Trained {
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      env: { ...process.env, BENCH_RECIPE: JSON.stringify(task) },
      stdio: ['ignore', 'pipe', 2],
      encoding: 'utf8',
    },
  );
  if (status !== 0)
    throw new Error(`The training of ${JSON.stringify(task)} ended with exit code ${status}.`);
  return JSON.parse(stdout);
}

/** What a contestant sets, as flags: Keras has the article's recipe too. */
function flagsOf(name: string): Config {
  const best = { recipe: 'best' } as const;
  if (name === 'article' || name === 'keras') return {};
  if (name === 'best') return best;
  if (name === 'residual') return { ...best, architecture: 'residual' };
  const left = settingNames.find((setting) => name === `without-${setting}`);
  if (left) return { ...best, [left]: allSettings[left].default };
  throw new Error(`There is no contestant "${name}".`);
}

/** Of all that a result depends on but the seed, so that a recipe that has changed is trained anew. */
function digestOf(set: CategorySet, flags: Config): string {
  const content = { size, epochs: epochs[set], ...recipes[flags.recipe ?? 'article'], ...flags };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
}

/** What a training came to: kept from before, or trained now. */
async function result(set: CategorySet, name: string, seed: number): Promise<Trained> {
  const { engine } = options;
  const flags = flagsOf(name);
  const file = join(results, `${set}-${name}-${digestOf(set, flags)}-${engine}-${seed}.json`);
  if (existsSync(file) && !options.fresh) return JSON.parse(readFileSync(file, 'utf8'));
  const task = { set, seed, engine, flags };
  const trained = name === 'keras' ? await trainKeras(task) : trainInChild(task);
  writeFileSync(file, JSON.stringify(trained));
  console.error(`${set}, ${name}, seed ${seed}: ${percent(trained.accuracy)} % of the held-out pictures`);
  return trained;
}

async function compare(): Promise<void> {
  mkdirSync(results, { recursive: true });
  const rows = [];
  for (const set of options.sets.split(',') as CategorySet[]) {
    for (const name of options.contestants.split(',')) {
      const trained: Trained[] = [];
      for (const seed of options.seeds.split(',')) trained.push(await result(set, name, Number(seed)));
      rows.push({ set, name, ...summarise(trained) });
    }
  }
  if (options.json) console.log(JSON.stringify({ bench: 'recipe', engine: options.engine, epochs, rows }));
  else console.table(rows);
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

function summarise(trained: Trained[]) {
  const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const accuracies = trained.map(({ accuracy }) => accuracy);
  const mean = meanOf(accuracies);
  const squares = accuracies.map((accuracy) => (accuracy - mean) ** 2);
  const deviation = Math.sqrt(
    squares.reduce((sum, square) => sum + square, 0) / Math.max(squares.length - 1, 1),
  );
  return {
    'held out, %': percent(mean),
    deviation: percent(deviation),
    'of each seed': accuracies.map(percent).join(' '),
    'validation, %': percent(meanOf(trained.map(({ validationAccuracy }) => validationAccuracy))),
    seconds: Math.round(meanOf(trained.map(({ seconds }) => seconds))),
  };
}

const own = process.env.BENCH_RECIPE;
if (own) console.log(JSON.stringify(await trainOurs(JSON.parse(own))));
else await compare();

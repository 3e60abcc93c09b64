/**
 * Held-out accuracy of --recipe best against the article's recipe, and against the article's in Keras.
 *
 * npm run bench -- recipe [--sets emoji,stamps] [--contestants article,best,keras] [--seeds 1,2,3,4,5]
 *   [--engine native] [--keras-python python] [--fresh] [--json]
 *
 * Evaluates on real pictures of concepts that were never shown. Further contestants: residual (best, with that
 * architecture) and without-<setting> (best, with that setting as in the article's recipe). Each sees the same pictures,
 * the same split for a seed and the same number of epochs, of which the one with the best validation counts. Results are
 * kept in .cache/bench-recipe/results, so that an interrupted run continues; --fresh trains again.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, type Settings, settingNames, settingsInForce } from '../src/config/index.ts';
import { recipes } from '../src/config/recipes.ts';
import { settings as allSettings } from '../src/config/settings.ts';
import { startEngine } from '../src/engine/index.ts';
import { loadPredictor } from '../src/predict/load_predictor.ts';
import { train } from '../src/training/train.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { type CategorySet, writeCategories } from './inputs/categories.ts';
import { readHeldOut, writePythonTask } from './inputs/python_task.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { timed } from './measure/spent.ts';
import { deviation, mean } from './measure/statistics.ts';

const options = readOptions({
  sets: ['emoji', 'stamps'] as CategorySet[],
  contestants: ['article', 'best', 'keras'],
  seeds: [1, 2, 3, 4, 5],
  engine: 'native',
  'keras-python': '',
  fresh: false,
});

/** Enough for a training of about a minute on two cores. */
const epochs: Record<CategorySet, number> = { emoji: 20, stamps: 30 };
/** Width and height in pixels. */
const size = 48;
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));
const results = join(cache, 'results');

interface Trained {
  /** On the held-out pictures. */
  accuracy: number;
  validationAccuracy: number;
  seconds: number;
}

interface Task {
  set: CategorySet;
  seed: number;
  engine: string;
  /** Flags of `bat-sup train`. */
  flags: Config;
}

async function settingsOf({ set, seed, engine, flags }: Task, data: string): Promise<Settings> {
  const given = { data, seed, engine, width: size, height: size, epochs: epochs[set], keepCheckpoints: 1 };
  const inForce = await settingsInForce({ ...given, ...flags }, { folder: data, environment: {} });
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}

async function trainOurs(task: Task): Promise<Trained> {
  const pictures = await writeCategories(task.set, cache, size);
  const settings = await settingsOf(task, join(pictures, 'data'));
  const engine = await startEngine(settings.engine, settings);
  const run = temporaryFolder();
  let validationAccuracy = 0;
  const { wall } = await timed(async () => {
    const { best } = await train({ settings, run });
    validationAccuracy = best?.metrics.validationAccuracy ?? 0;
  });
  const model = await loadPredictor(run);
  const { labels, pixels } = await readHeldOut(pictures, size);
  const logits = await model.predict(pixels, 'none');
  const correct = labels.filter((label, index) => {
    const row = logits[index] as Float32Array;
    return row.indexOf(Math.max(...row)) === label;
  });
  await engine.dispose();
  return { accuracy: correct.length / pixels.length, validationAccuracy, seconds: wall / 1000 };
}

/** The article's network and settings on the same split. */
async function trainKeras(task: Task): Promise<Trained> {
  const pictures = await writeCategories(task.set, cache, size);
  const settings = await settingsOf(task, join(pictures, 'data'));
  const { seed, batchSize, learningRate, validationSplit, epochs: passes } = settings;
  const split = { pictures, size, seed, validationSplit };
  const file = await writePythonTask(temporaryFolder(), split, { batchSize, learningRate, epochs: passes });
  const python = pythonWith('keras', options['keras-python']);
  const [program = '', ...args] = pythonScript(python, 'recipe_keras.py', file);
  const answer = execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
  return JSON.parse(answer);
}

/** A contestant's flags. Keras follows the article's recipe. */
function flagsOf(name: string): Config {
  const best = { recipe: 'best', pretrained: 'off' } as const;
  if (name === 'article' || name === 'keras') return {};
  if (name === 'best') return best;
  if (name === 'residual') return { ...best, architecture: 'residual' };
  const left = settingNames.find((setting) => name === `without-${setting}`);
  if (left) return { ...best, [left]: allSettings[left].default };
  throw new Error(`There is no contestant "${name}".`);
}

/** A digest of everything a result depends on but the seed, so that a changed recipe is trained again. */
function digestOf(set: CategorySet, flags: Config): string {
  const content = { size, epochs: epochs[set], ...recipes[flags.recipe ?? 'article'], ...flags };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
}

/** A training's result, from an earlier run or trained now. */
async function result(set: CategorySet, name: string, seed: number): Promise<Trained> {
  const { engine } = options;
  const flags = flagsOf(name);
  const file = join(results, `${set}-${name}-${digestOf(set, flags)}-${engine}-${seed}.json`);
  if (existsSync(file) && !options.fresh) return JSON.parse(readFileSync(file, 'utf8'));
  const task = { set, seed, engine, flags };
  const trained = name === 'keras' ? await trainKeras(task) : await inChild<Trained>(import.meta.url, task);
  writeFileSync(file, JSON.stringify(trained));
  console.error(`${set}, ${name}, seed ${seed}: ${percent(trained.accuracy)} % of the held-out pictures`);
  return trained;
}

async function compare(): Promise<void> {
  mkdirSync(results, { recursive: true });
  const rows = [];
  for (const set of options.sets) {
    for (const name of options.contestants) {
      const trained: Trained[] = [];
      for (const seed of options.seeds) trained.push(await result(set, name, seed));
      rows.push({ set, name, ...summarise(trained) });
    }
  }
  report('recipe', options, { engine: options.engine, epochs, rows });
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

function summarise(trained: Trained[]) {
  const accuracies = trained.map(({ accuracy }) => accuracy);
  return {
    'held out, %': percent(mean(accuracies)),
    'standard deviation': percent(deviation(accuracies)),
    'of each seed': accuracies.map(percent).join(' '),
    'validation, %': percent(mean(trained.map(({ validationAccuracy }) => validationAccuracy))),
    seconds: Math.round(mean(trained.map(({ seconds }) => seconds))),
  };
}

const task = taskOfChild<Task>();
if (task) answerParent(await trainOurs(task));
else await compare();

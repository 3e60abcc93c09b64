/**
 * Held-out accuracy with a pre-trained network, against other tools' ways of using the same one.
 *
 * npm run bench -- transfer [--sets stamps,emoji,demo] [--seeds 1,2,3,4,5]
 *   [--contestants article,best,pretrained,fine-tuned,model-maker,fastai,keras-guide,sklearn]
 *   [--backbones efficientnet-lite0,efficientnet-lite1,efficientnet-lite2] [--per-class 5,10,20,50,100] [--python python]
 *   [--fresh] [--json]
 *
 * Evaluates on real pictures of concepts (demo: drawings by a designer) that were never shown. article and best train
 * from scratch at 48 x 48; pretrained is `bat-sup train --pretrained` with each of the backbones and its own size of pictures,
 * fine-tuned the same with --fine-tune. model-maker (TensorFlow Lite Model Maker), fastai and keras-guide are the defaults of
 * those tools written in PyTorch, sklearn is a short script; all have EfficientNet-Lite0's weights from the same package.
 * Seconds are of a whole process, from files to a validated model; ours finds the features that an earlier seed has computed
 * of the same pictures. With --per-class all learn from so many pictures of each class. Results are kept in
 * .cache/bench-recipe/transfer, so that an interrupted run continues; --fresh trains again.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackboneName, defaultBackbone, inputSizes } from '../src/backbones/names.ts';
import { shuffle } from '../src/dataset/shuffle.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings } from './inputs/demo_drawings.ts';
import { writePythonTask } from './inputs/python_task.ts';
import { timeCommand, timeNode } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { deviation, mean } from './measure/statistics.ts';

type PictureSet = 'stamps' | 'emoji' | 'demo';

const options = readOptions({
  sets: ['stamps', 'emoji', 'demo'] as PictureSet[],
  contestants: [
    'article',
    'best',
    'pretrained',
    'fine-tuned',
    'model-maker',
    'fastai',
    'keras-guide',
    'sklearn',
  ],
  backbones: [defaultBackbone] as BackboneName[],
  seeds: [1, 2, 3, 4, 5],
  // 0: all there are.
  'per-class': [0],
  python: '',
  fresh: false,
});

/** Width and height in pixels of pictures for a network that is not pre-trained. */
const smallSize = 48;
const epochs: Record<PictureSet, number> = { stamps: 30, emoji: 20, demo: 8 };
/** bat-sup's default. */
const validationSplit = 0.2;
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));
const results = join(cache, 'transfer');
const bin = fileURLToPath(new URL('../dist/bin/bat-sup.js', import.meta.url));

// The engine and the backbone that scripts/prepare.mjs and `bat-sup setup` have put there.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));

interface Trained {
  /** On the held-out pictures. */
  accuracy: number;
  validationAccuracy: number;
  seconds: number;
  /** Of all threads; absent in results of earlier versions of this program. */
  processorSeconds?: number;
}

interface Task {
  set: PictureSet;
  seed: number;
  /** Pictures of each class to learn from; 0: all. */
  perClass: number;
}

/** A folder with data/<class>/* to learn from and held-out/<class>/*. */
async function picturesOf({ set, seed, perClass }: Task, side: number): Promise<string> {
  const all = await (set === 'demo' ? writeDemoDrawings(cache, side) : writeCategories(set, cache, side));
  if (perClass === 0) return all;
  const folder = temporaryFolder();
  symlinkSync(join(all, 'held-out'), join(folder, 'held-out'));
  for (const name of readdirSync(join(all, 'data')).filter((name) => !name.startsWith('.'))) {
    const files = shuffle(readdirSync(join(all, 'data', name)).sort(), `${seed}/${name}`);
    for (const file of files.slice(0, perClass))
      cpSync(join(all, 'data', name, file), join(folder, 'data', name, file));
  }
  return folder;
}

/** One of ours: flags of `bat-sup train`, and the width and height of its pictures. */
interface Contestant {
  flags: string[];
  side: number;
}

/** All of ours by name. One with a backbone other than the default is called after that, too. */
function oursFor(set: PictureSet): Map<string, Contestant> {
  const small = ['--width', smallSize, '--height', smallSize, '--epochs', epochs[set]].map(String);
  const best = ['--recipe', 'best', '--pretrained', 'off', ...small];
  const ours = new Map([
    ['article', { flags: ['--recipe', 'article', ...small], side: smallSize }],
    ['best', { flags: best, side: smallSize }],
  ]);
  for (const [backbone, side] of Object.entries(inputSizes)) {
    const suffix = backbone === defaultBackbone ? '' : `-${backbone}`;
    const flags = ['--pretrained', backbone];
    ours.set(`pretrained${suffix}`, { flags, side });
    ours.set(`fine-tuned${suffix}`, { flags: [...flags, '--fine-tune'], side });
  }
  return ours;
}

/** The contestants that were asked for, each that has a backbone once for each of these. */
function contestantNames(): string[] {
  return options.contestants.flatMap((name) => {
    if (name !== 'pretrained' && name !== 'fine-tuned') return [name];
    return options.backbones.map((backbone) => (backbone === defaultBackbone ? name : `${name}-${backbone}`));
  });
}

interface Answer {
  file: string;
  class: string;
}

async function trainOurs(task: Task, name: string, { flags, side }: Contestant): Promise<Trained> {
  const { seed } = task;
  const pictures = await picturesOf(task, side);
  const folder = temporaryFolder();
  const common = ['--seed', String(seed), '--validation-split', String(validationSplit), '--json'];
  const train = [bin, 'train', '--data', join(pictures, 'data'), ...common, ...flags];
  const trained = timeNode(name, train, folder);
  const predict = [process.execPath, bin, 'predict', join(pictures, 'held-out'), '--json'];
  const lines = timeCommand({ name, command: predict }, folder).stdout.trim().split('\n');
  const answers: Answer[] = lines.map((line) => JSON.parse(line));
  const correct = answers.filter((answer) => answer.file.split('/').at(-2) === answer.class);
  const { best } = JSON.parse(trained.stdout);
  return {
    accuracy: correct.length / answers.length,
    validationAccuracy: best?.metrics.validationAccuracy ?? 0,
    seconds: trained.seconds,
    processorSeconds: trained.processorSeconds,
  };
}

async function trainTheirs(task: Task, name: string): Promise<Trained> {
  const { seed } = task;
  const size = inputSizes[defaultBackbone];
  const pictures = await picturesOf(task, size);
  const python = pythonWith('transfer', options.python);
  const folder = temporaryFolder();
  const [program = '', ...args] =
    name === 'sklearn'
      ? pythonScript(python, 'transfer_sklearn.py', join(pictures, 'data'), join(pictures, 'held-out'), seed)
      : pythonScript(
          python,
          'transfer_pytorch.py',
          name,
          await writePythonTask(folder, { pictures, size, seed, validationSplit }),
        );
  return JSON.parse(execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }));
}

/** A training's result, from an earlier run or trained now. */
async function result(task: Task, name: string): Promise<Trained> {
  const contestant = oursFor(task.set).get(name);
  const part = task.perClass > 0 ? `-${task.perClass}` : '';
  const file = join(results, `${task.set}${part}-${name}-${task.seed}.json`);
  if (existsSync(file) && !options.fresh) return JSON.parse(readFileSync(file, 'utf8'));
  const trained = await (contestant ? trainOurs(task, name, contestant) : trainTheirs(task, name));
  writeFileSync(file, JSON.stringify(trained));
  console.error(
    `${task.set}${part}, ${name}, seed ${task.seed}: ${percent(trained.accuracy)} % of the held-out pictures`,
  );
  return trained;
}

async function compare(): Promise<void> {
  mkdirSync(results, { recursive: true });
  const rows = [];
  for (const set of options.sets) {
    for (const perClass of options['per-class']) {
      for (const name of contestantNames()) {
        const trained: Trained[] = [];
        for (const seed of options.seeds) trained.push(await result({ set, seed, perClass }, name));
        rows.push({ set, 'per class': perClass || 'all', name, ...summarise(trained) });
      }
    }
  }
  report('transfer', options, { rows });
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
    'processor seconds': trained.map(({ processorSeconds = 0 }) => Math.round(processorSeconds)).join(' '),
  };
}

await compare();

/**
 * What labels are worth: pictures that `suggest` names, against pictures by chance.
 *
 * npm run bench -- suggest [--sets stamps,emoji,demo,pairs] [--seeds 1,2,3,4,5] [--rounds 5] [--labels 20] [--json]
 *
 * Begins without any label. In each round so many pictures get their label, and a classifier of all labelled ones, the head of
 * `train --pretrained`, classifies pictures of concepts that were never shown (demo: drawings by another designer).
 * pairs: pictures of one or two emoji of different categories, for --multi-label, and the mean average precision.
 * Each seed has a random 80 % of the pictures to choose from, the same for both.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shuffle } from '../src/dataset/shuffle.ts';
import { startEngine } from '../src/engine/index.ts';
import { labelSetsInFolders } from '../src/evaluation/multi_label/pictures.ts';
import { meanAveragePrecision, scoresByClass } from '../src/evaluation/multi_label/scores.ts';
import { picturesOf } from '../src/evaluation/pictures.ts';
import { argmax } from '../src/evaluation/softmax.ts';
import { findPictures } from '../src/images/find.ts';
import { classify, classifySets, suggest } from '../src/suggest/suggest.ts';
import { chooseFeatureNetwork, openFeatureNetwork } from '../src/transfer/feature_network.ts';
import { type FileFeatures, featuresOfFiles } from '../src/transfer/file_features.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { type CategorySet, writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings } from './inputs/demo_drawings.ts';
import { writePairs } from './inputs/pairs.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { deviation, mean, round } from './measure/statistics.ts';

const options = readOptions({
  sets: ['stamps', 'emoji', 'demo', 'pairs'] as (CategorySet | 'demo' | 'pairs')[],
  seeds: [1, 2, 3, 4, 5],
  rounds: 5,
  labels: 20,
});

/** Of the pictures, those that may be labelled. */
const poolShare = 0.8;

// The engine and the backbone that scripts/prepare.mjs and `bat-sup setup` have put there.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));

const engine = await startEngine('auto', { threads: 0 });
const start = await chooseFeatureNetwork({ place: undefined, checkpoints: '' }, console.error);
const network = openFeatureNetwork(start, console.error);
const { length } = network;

interface Side {
  files: string[];
  /** By file: indices of the classes that it shows. */
  labelSets: Map<string, number[]>;
  classes: string[];
  isMultiLabel: boolean;
}

async function read(folder: string, isMultiLabel: boolean): Promise<Side> {
  const classes = (await findPictures(folder)).classes.map(({ name }) => name);
  const { pictures } = await (isMultiLabel ? labelSetsInFolders : picturesOf)(folder, classes);
  const labelSets = new Map(pictures.map(({ file, label, labels = [label] }) => [file, labels]));
  return { files: [...labelSets.keys()], labelSets, classes, isMultiLabel };
}

async function featuresOf(files: string[]): Promise<Float32Array> {
  return ((await featuresOfFiles(files, network)) as FileFeatures).features;
}

/** Names the files to label next, of those that have no label. */
type Choose = (unlabelled: string[], labelled: string[], data: Side, seed: number) => Promise<string[]>;

/** A folder with a link to each file, in a folder for each of its classes where it has a label. */
function folderOf(files: string[], classesOf: (file: string) => string[]): string {
  const folder = temporaryFolder();
  for (const [index, file] of files.entries())
    for (const name of classesOf(file)) {
      mkdirSync(join(folder, name), { recursive: true });
      symlinkSync(file, join(folder, name, `${String(index).padStart(5, '0')}.png`));
    }
  return folder;
}

const choices: Record<string, Choose> = {
  async 'bat-sup suggest'(unlabelled, labelled, { labelSets, classes, isMultiLabel }, seed) {
    const namesOf = (file: string) =>
      (labelSets.get(file) as number[]).map((label) => classes[label] as string);
    const source = {
      folder: folderOf(unlabelled, () => ['']),
      rawData: folderOf(labelled, namesOf),
      isMultiLabel,
      labels: 'off',
    };
    const found = await suggest(network, { ...source, count: options.labels, seed, threads: 0 });
    return (found ?? []).map(({ file }) => unlabelled[Number.parseInt(basename(file), 10)] as string);
  },
  async chance(unlabelled, _, __, seed) {
    return shuffle(unlabelled, `suggest ${seed} ${unlabelled.length}`).slice(0, options.labels);
  },
};

/** Accuracy, or the mean average precision where pictures can show several classes, %. */
function scoreOf(answers: Float64Array[], { labelSets, classes, isMultiLabel }: Side): number {
  const sets = [...labelSets.values()];
  if (isMultiLabel) {
    const values = Float32Array.from(answers.flatMap((row) => [...row]));
    return 100 * (meanAveragePrecision(scoresByClass(values, sets, classes.length)) as number);
  }
  const correct = answers.filter((values, row) => argmax(values) === sets[row]?.[0]);
  return (100 * correct.length) / sets.length;
}

/** The score of held-out pictures after each round. */
async function learn(choose: Choose, data: Side, heldOut: Side, seed: number): Promise<number[]> {
  const pool = shuffle(data.files, `pool ${seed}`).slice(0, Math.round(poolShare * data.files.length));
  const labelled: string[] = [];
  const scores: number[] = [];
  const questions = { features: await featuresOf(heldOut.files), length };
  for (let at = 0; at < options.rounds; at++) {
    const unlabelled = pool.filter((file) => !labelled.includes(file));
    labelled.push(...(await choose(unlabelled, labelled, data, seed)));
    const known = {
      features: await featuresOf(labelled),
      labelSets: labelled.map((file) => data.labelSets.get(file) as number[]),
      classes: data.classes.length,
    };
    const answer = data.isMultiLabel ? classifySets : classify;
    scores.push(scoreOf((await answer(questions, known, { seed, threads: 0 })) ?? [], heldOut));
  }
  return scores;
}

/** Writes the pictures of a set. @returns their folder. */
function write(set: (typeof options.sets)[number]): Promise<string> {
  if (set === 'demo') return writeDemoDrawings(cache, 224);
  return set === 'pairs' ? writePairs('emoji', cache, 224) : writeCategories(set, cache, 224);
}

const rows = [];
for (const set of options.sets) {
  const folder = await write(set);
  const isMultiLabel = set === 'pairs';
  const data = await read(join(folder, 'data'), isMultiLabel);
  const heldOut = await read(join(folder, 'held-out'), isMultiLabel);
  for (const [contestant, choose] of Object.entries(choices)) {
    const curves: number[][] = [];
    for (const seed of options.seeds) curves.push(await learn(choose, data, heldOut, seed));
    for (let at = 0; at < options.rounds; at++) {
      const scores = curves.map((curve) => curve[at] as number);
      rows.push({
        set,
        contestant,
        labels: (at + 1) * options.labels,
        'score, %': round(mean(scores), 1),
        deviation: round(deviation(scores), 1),
      });
    }
  }
}
await network.dispose();
await engine.dispose();
report('suggest', options, { rows });

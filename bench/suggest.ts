/**
 * What labels are worth: pictures that `suggest` names, against pictures by chance.
 *
 * npm run bench -- suggest [--sets stamps,emoji,demo] [--seeds 1,2,3,4,5] [--rounds 5] [--labels 20] [--json]
 *
 * Begins without any label. In each round so many pictures get their label, and a classifier of all labelled ones, the head of
 * `train --pretrained`, classifies pictures of concepts that were never shown (demo: drawings by another designer).
 * Each seed has a random 80 % of the pictures to choose from, the same for both.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shuffle } from '../src/dataset/shuffle.ts';
import { startEngine } from '../src/engine/index.ts';
import { argmax } from '../src/evaluation/softmax.ts';
import { findPictures } from '../src/images/find.ts';
import { classify, suggest } from '../src/suggest/suggest.ts';
import { chooseFeatureNetwork, openFeatureNetwork } from '../src/transfer/feature_network.ts';
import { type FileFeatures, featuresOfFiles } from '../src/transfer/file_features.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { type CategorySet, writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings } from './inputs/demo_drawings.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { deviation, mean, round } from './measure/statistics.ts';

const options = readOptions({
  sets: ['stamps', 'emoji', 'demo'] as (CategorySet | 'demo')[],
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
  /** [files] */
  labels: number[];
  classes: string[];
}

async function read(folder: string): Promise<Side> {
  const { classes } = await findPictures(folder);
  return {
    files: classes.flatMap(({ name, pictures }) => pictures.map((picture) => join(folder, name, picture))),
    labels: classes.flatMap(({ pictures }, label) => pictures.map(() => label)),
    classes: classes.map(({ name }) => name),
  };
}

async function featuresOf(files: string[]): Promise<Float32Array> {
  return ((await featuresOfFiles(files, network)) as FileFeatures).features;
}

const classOf = (file: string) => basename(dirname(file));

/** Names the files to label next, of those that have no label. */
type Choose = (unlabelled: string[], labelled: string[], seed: number) => Promise<string[]>;

/** A folder with a link to each file, in a folder for its class where it has a label. */
function folderOf(files: string[], isLabelled: boolean): string {
  const folder = temporaryFolder();
  for (const [index, file] of files.entries()) {
    const parent = isLabelled ? join(folder, classOf(file)) : folder;
    mkdirSync(parent, { recursive: true });
    symlinkSync(file, join(parent, `${String(index).padStart(5, '0')}.png`));
  }
  return folder;
}

const choices: Record<string, Choose> = {
  async 'bat-sup suggest'(unlabelled, labelled, seed) {
    const folder = folderOf(unlabelled, false);
    const rawData = folderOf(labelled, true);
    const source = { folder, rawData, isMultiLabel: false, labels: 'off' };
    const found = await suggest(network, { ...source, count: options.labels, seed, threads: 0 });
    return (found ?? []).map(({ file }) => unlabelled[Number.parseInt(basename(file), 10)] as string);
  },
  async chance(unlabelled, _, seed) {
    return shuffle(unlabelled, `suggest ${seed} ${unlabelled.length}`).slice(0, options.labels);
  },
};

/** Held-out accuracy after each round. */
async function learn(choose: Choose, data: Side, heldOut: Side, seed: number): Promise<number[]> {
  const pool = shuffle(data.files, `pool ${seed}`).slice(0, Math.round(poolShare * data.files.length));
  const labelled: string[] = [];
  const accuracies: number[] = [];
  const questions = { features: await featuresOf(heldOut.files), length };
  for (let at = 0; at < options.rounds; at++) {
    const unlabelled = pool.filter((file) => !labelled.includes(file));
    labelled.push(...(await choose(unlabelled, labelled, seed)));
    const known = {
      features: await featuresOf(labelled),
      labelSets: labelled.map((file) => [data.classes.indexOf(classOf(file))]),
      classes: data.classes.length,
    };
    const answers = (await classify(questions, known, { seed, threads: 0 })) ?? [];
    const correct = answers.filter((values, row) => argmax(values) === heldOut.labels[row]);
    accuracies.push((100 * correct.length) / heldOut.files.length);
  }
  return accuracies;
}

const rows = [];
for (const set of options.sets) {
  const write =
    set === 'demo' ? writeDemoDrawings : (...args: [string, number]) => writeCategories(set, ...args);
  const folder = await write(cache, 224);
  const [data, heldOut] = [await read(join(folder, 'data')), await read(join(folder, 'held-out'))];
  for (const [contestant, choose] of Object.entries(choices)) {
    const curves: number[][] = [];
    for (const seed of options.seeds) curves.push(await learn(choose, data, heldOut, seed));
    for (let at = 0; at < options.rounds; at++) {
      const accuracies = curves.map((curve) => curve[at] as number);
      rows.push({
        set,
        contestant,
        labels: (at + 1) * options.labels,
        accuracy: round(mean(accuracies), 1),
        deviation: round(deviation(accuracies), 1),
      });
    }
  }
}
await network.dispose();
await engine.dispose();
report('suggest', options, { rows });

/**
 * Which pre-trained network to choose, estimated without the held-out pictures.
 *
 * npm run bench -- backbones [--sets stamps,emoji,demo] [--backbones efficientnet-lite0,efficientnet-lite1,efficientnet-lite2]
 *   [--seeds 1,2] [--json]
 *
 * The pictures to learn from, in five folds that keep those of one concept (demo: of one designer) together. The head of
 * `train --pretrained` is fitted to four of them, with a penalty that it chooses there, and classifies the fifth. `gain` is against the
 * first backbone, on the same pictures; its standard error takes pictures of one concept as one draw.
 */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackboneName, backboneNames, inputSizes } from '../src/backbones/names.ts';
import { packPictures } from '../src/dataset/pack.ts';
import { scanDataset } from '../src/dataset/scan.ts';
import { joinSamePictures } from '../src/dataset/split.ts';
import { startEngine } from '../src/engine/index.ts';
import { argmax } from '../src/evaluation/softmax.ts';
import { startFromBackbone } from '../src/training/read_start.ts';
import { crossValidate, dealFolds } from '../src/transfer/cross_validation.ts';
import { openFeatureNetwork } from '../src/transfer/feature_network.ts';
import { type FileFeatures, featuresOfFiles } from '../src/transfer/file_features.ts';
import type { LogisticRegression } from '../src/transfer/logistic_regression.ts';
import { type CategorySet, categorySets, writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings } from './inputs/demo_drawings.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { mean, round } from './measure/statistics.ts';

type PictureSet = CategorySet | 'demo';

const options = readOptions({
  sets: ['stamps', 'emoji', 'demo'] as PictureSet[],
  backbones: [...backboneNames] as BackboneName[],
  seeds: [1, 2],
});

// The engine and the backbones that scripts/prepare.mjs and `bat-sup setup` have put there.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));
const engine = await startEngine('auto', { threads: 0 });

interface Rows {
  /** float32 [labels, length] */
  features: Float32Array;
  length: number;
  labels: number[];
  classes: number;
  /** [labels]: equal for pictures that look the same, as the training groups them. */
  groups: number[];
  /** [labels]: equal for pictures of one concept, or by one designer. */
  concepts: number[];
}

/** What must not be in two folds, by a picture's category and name. */
async function conceptOf(set: PictureSet): Promise<(category: string, name: string) => string> {
  if (set === 'demo')
    return (_, name) => name.replace(/-\d+$/, '').replace(/^.*?-(?=noto|twemoji|openmoji)/, '');
  const sources = await categorySets[set](cache);
  const concepts = new Map(sources.map(({ category, name, concept }) => [`${category}/${name}`, concept]));
  return (category, name) => concepts.get(`${category}/${name}`) as string;
}

async function readRows(set: PictureSet, backbone: BackboneName): Promise<Rows> {
  const side = inputSizes[backbone];
  const pictures = await (set === 'demo'
    ? writeDemoDrawings(cache, side)
    : writeCategories(set, cache, side));
  const folder = join(pictures, 'data');
  const dataset = await scanDataset(folder);
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const { lookalikes } = await packPictures(dataset, { folder, size, workers: 0 });
  const same = joinSamePictures(dataset.pictures, lookalikes);
  const network = openFeatureNetwork(await startFromBackbone(backbone, console.error), console.error);
  const files = dataset.pictures.map(({ file }) => file);
  const { features, read } = (await featuresOfFiles(files, network)) as FileFeatures;
  if (read.length < files.length) throw new Error(`Not all pictures in ${folder} can be read.`);
  await network.dispose();
  const concept = await conceptOf(set);
  const names = dataset.pictures.map(({ file, label }) =>
    concept(dataset.classes[label] as string, basename(file, '.png')),
  );
  const distinct = [...new Set(names)];
  return {
    features,
    length: network.length,
    labels: dataset.pictures.map(({ label }) => label),
    classes: dataset.classes.length,
    groups: dataset.pictures.map((_, index) => same.find(index)),
    concepts: names.map((name) => distinct.indexOf(name)),
  };
}

/** The class that a head finds in a row of features. */
function classify({ features, length, classes }: Rows, row: number, head: LogisticRegression): number {
  const logits = head.biases.slice();
  for (let k = 0; k < length; k++)
    for (let one = 0; one < classes; one++)
      logits[one] =
        (logits[one] as number) +
        (features[row * length + k] as number) * (head.coefficients[k * classes + one] as number);
  return argmax(logits);
}

/** @returns for each picture 1 where the head of the other folds is right, 0 where it is wrong. */
async function judge(rows: Rows, seed: number): Promise<number[]> {
  const { features, length, labels, classes, groups, concepts } = rows;
  const folds = dealFolds({ ...rows, groups: concepts }, { seed });
  const right = labels.map(() => 0);
  for (const fold of new Set(folds)) {
    const others = [...labels.keys()].filter((row) => folds[row] !== fold);
    const part = new Float32Array(others.length * length);
    for (const [at, row] of others.entries())
      part.set(features.subarray(row * length, (row + 1) * length), at * length);
    const { model } = await crossValidate(
      {
        ...{ features: part, length, classes },
        labels: others.map((row) => labels[row] as number),
        groups: others.map((row) => groups[row] as number),
      },
      { seed },
    );
    for (const row of labels.keys())
      if (folds[row] === fold) right[row] = classify(rows, row, model) === labels[row] ? 1 : 0;
  }
  return right;
}

/** The mean difference, and its standard error over groups of rows. */
function compareRows(ours: number[], theirs: number[], groups: number[]): { gain: number; error: number } {
  const differences = ours.map((value, row) => value - (theirs[row] as number));
  const gain = mean(differences);
  const sums = new Map<number, number>();
  for (const [row, difference] of differences.entries())
    sums.set(groups[row] as number, (sums.get(groups[row] as number) ?? 0) + difference - gain);
  return { gain, error: Math.sqrt([...sums.values()].reduce((sum, one) => sum + one ** 2, 0)) / ours.length };
}

const table = [];
for (const set of options.sets) {
  let first: number[] | undefined;
  for (const backbone of options.backbones) {
    const rows = await readRows(set, backbone);
    const seeds: number[][] = [];
    for (const seed of options.seeds) seeds.push(await judge(rows, seed));
    const right = rows.labels.map((_, row) => mean(seeds.map((values) => values[row] as number)));
    first ??= right;
    const { gain, error } = compareRows(right, first, rows.concepts);
    table.push({
      set,
      pictures: rows.labels.length,
      groups: new Set(rows.concepts).size,
      backbone,
      'right, %': round(100 * mean(right), 1),
      'gain, points': round(100 * gain, 1),
      'standard error': round(100 * error, 1),
    });
    console.error(JSON.stringify(table.at(-1)));
  }
}
await engine.dispose();
report('backbones', options, { rows: table });

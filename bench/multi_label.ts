/**
 * Several classes in one picture: held-out mean average precision, against scikit-learn on the same features.
 *
 * npm run bench -- multi_label [--sets emoji,stamps] [--seeds 1,2,3] [--engine auto] [--fine-tune 0] [--python <path>] [--json]
 *
 * 800 pictures of one or two drawings, of two different categories, of concepts that the 400 held-out pictures do not show.
 * `train --pretrained --multi-label` fits a logistic regression for each class; scikit-learn's OneVsRestClassifier gets the
 * same features of the same pictures, standardised, with its default C and with one chosen by cross-validation. "both" is
 * the share of the held-out pictures of two categories that are answered with exactly these.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCheckpoint } from '../src/checkpoints/index.ts';
import { readSettings } from '../src/config/index.ts';
import { startEngine } from '../src/engine/index.ts';
import { evaluateMultiLabel } from '../src/evaluation/multi_label/evaluate_checkpoint.ts';
import { labelSetsInFolders } from '../src/evaluation/multi_label/pictures.ts';
import { readHeldBack } from '../src/runs/held_back.ts';
import { train } from '../src/training/train.ts';
import { chooseFeatureNetwork, openFeatureNetwork } from '../src/transfer/feature_network.ts';
import { featuresOfFiles } from '../src/transfer/file_features.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonWith } from './against/python.ts';
import type { CategorySet } from './inputs/categories.ts';
import { writePairs } from './inputs/pairs.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { mean, round } from './measure/statistics.ts';

const options = readOptions({
  sets: ['emoji'] as CategorySet[],
  seeds: [1, 2, 3],
  engine: 'auto',
  'fine-tune': 0,
  python: '',
});
const size = 224;
const cache = '.cache/bench-recipe';

interface Theirs {
  meanAveragePrecision: number;
  seconds: number;
}

const notice = (text: string) => console.error(text);

async function compare(set: CategorySet, seed: number): Promise<Record<string, number>> {
  const pictures = await writePairs(set, cache, size);
  const run = join(temporaryFolder(), 'run');
  const settings = await readSettings({
    data: join(pictures, 'data'),
    rawData: join(pictures, 'none'),
    multiLabel: 'on',
    pretrained: 'efficientnet-lite0',
    fineTune: options['fine-tune'],
    seed,
  });
  const fits: number[] = [];
  const events = { head: ({ seconds }: { seconds: number }) => void fits.push(seconds), notice };
  await train({ settings, run, events });
  const checkpoint = await findCheckpoint(run);
  const { classes } = checkpoint.manifest.model;
  const heldOut = (await labelSetsInFolders(join(pictures, 'held-out'), classes)).pictures;
  const { evaluation, answers } = await evaluateMultiLabel(checkpoint, heldOut, { topLosses: 0 });
  const theirs = await scikitLearn(run, settings.data, heldOut);
  const two = answers.labelSets.flatMap((labels, index) => (labels.length === 2 ? [index] : []));
  return {
    mAP: round(evaluation.meanAveragePrecision as number, 4),
    'scikit-learn mAP': round(theirs['cross-validated'].meanAveragePrecision, 4),
    'scikit-learn default C mAP': round(theirs.default.meanAveragePrecision, 4),
    'micro F1': round(evaluation.micro.f1, 4),
    exact: round(evaluation.exactMatch, 4),
    both: round(bothShare(evaluation, answers, two), 4),
    s: round(fits[0] as number, 1),
    'scikit-learn s': round(theirs['cross-validated'].seconds, 1),
  };
}

/** The share of pictures that are answered with exactly the classes that they show. */
function bothShare(
  { classes }: Awaited<ReturnType<typeof evaluateMultiLabel>>['evaluation'],
  { labelSets, logits }: Awaited<ReturnType<typeof evaluateMultiLabel>>['answers'],
  pictures: number[],
): number {
  const right = pictures.filter((picture) =>
    classes.every(({ threshold }, label) => {
      const logit = logits[picture * classes.length + label] as number;
      return 1 / (1 + Math.exp(-logit)) >= threshold === labelSets[picture]?.includes(label);
    }),
  );
  return right.length / pictures.length;
}

async function scikitLearn(
  run: string,
  data: string,
  heldOut: { file: string; labels?: number[] }[],
): Promise<Record<'default' | 'cross-validated', Theirs>> {
  const network = openFeatureNetwork(
    await chooseFeatureNetwork({ place: undefined, checkpoints: run }, notice),
    notice,
  );
  const { trained = [] } = (await readHeldBack(run)) ?? {};
  const { pictures } = await labelSetsInFolders(data, await classesOf(run));
  const known = new Set(trained.map(({ file }) => join(data, file)));
  const own = pictures.filter(({ file }) => known.has(file));
  const folder = temporaryFolder();
  const write = async (name: string, files: string[]) => {
    const found = await featuresOfFiles(files, network);
    writeFileSync(join(folder, name), found?.features as Float32Array);
    return join(folder, name);
  };
  const classes = await classesOf(run);
  const shown = (some: { labels?: number[] }[]) =>
    some.map(({ labels = [] }) => classes.map((_, label) => Number(labels.includes(label))));
  const task = {
    features: await write(
      'train',
      own.map(({ file }) => file),
    ),
    heldOut: await write(
      'held-out',
      heldOut.map(({ file }) => file),
    ),
    length: network.length,
    shown: shown(own),
    heldOutShown: shown(heldOut),
  };
  await network.dispose();
  const file = join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  const script = new URL('against/multi_label_sklearn.py', import.meta.url).pathname;
  const python = pythonWith('scikit-learn', options.python);
  return JSON.parse(execFileSync(python, [script, file], { encoding: 'utf8' }));
}

async function classesOf(run: string): Promise<string[]> {
  return (await findCheckpoint(run)).manifest.model.classes;
}

const settings = await readSettings({ engine: options.engine });
const engine = await startEngine(settings.engine, settings);
const rows: Record<string, unknown>[] = [];
for (const set of options.sets) {
  const runs: Record<string, number>[] = [];
  for (const seed of options.seeds) runs.push(await compare(set, seed));
  const names = Object.keys(runs[0] ?? {});
  rows.push({
    set,
    ...Object.fromEntries(
      names.map((name) => [name, round(mean(runs.map((one) => one[name] as number)), 4)]),
    ),
  });
}
await engine.dispose();
report('multi_label', options, { rows });

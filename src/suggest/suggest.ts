import { join } from 'node:path';
import { argmax, softmax } from '../evaluation/softmax.ts';
import { findPictures, search } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { crossValidate } from '../transfer/cross_validation.ts';
import type { FeatureNetwork } from '../transfer/feature_network.ts';
import { type FileFeatureOptions, featuresOfFiles } from '../transfer/file_features.ts';
import { rankToLabel } from './rank.ts';

/** A picture that is worth a label. */
export interface Suggestion {
  file: string;
  /** What a classifier of the labelled pictures takes it for; absent with less than two classes. */
  class?: string;
  /** Of that class, 0 to 1. */
  probability?: number;
}

export interface SuggestOptions extends FileFeatureOptions {
  /** Folder of pictures without labels. */
  folder: string;
  /** Folder with a subfolder of labelled pictures per class. It may have none yet. */
  rawData: string;
  count: number;
  seed: number;
  threads: number;
  /** Called for each file that cannot be read. */
  onFailure?: (file: string, reason: string) => void;
}

/** The labelled pictures, without what augment made of them. */
interface Labelled {
  classes: string[];
  files: string[];
  labels: number[];
}

async function findLabelled(rawData: string): Promise<Labelled> {
  const found = await findPictures(rawData).catch(() => ({ classes: [] }));
  const paths = found.classes.flatMap(({ name, pictures }, label) =>
    pictures.map((picture) => ({ path: `${name}/${picture}`, label })),
  );
  const generated = await findGenerated(
    rawData,
    paths.map(({ path }) => path),
  );
  const own = paths.filter(({ path }) => !generated.has(path));
  return {
    classes: found.classes.map(({ name }) => name),
    files: own.map(({ path }) => join(rawData, path)),
    labels: own.map(({ label }) => label),
  };
}

/** Shannon entropy as a share of the largest that there can be, 0 to 1. */
function entropyOf(probabilities: Float64Array): number {
  const sum = probabilities.reduce((total, p) => total - (p > 0 ? p * Math.log(p) : 0), 0);
  return sum / Math.log(probabilities.length);
}

interface Features {
  features: Float32Array;
  length: number;
}

/** Probabilities of each picture by a classifier of the labelled ones; undefined where they have less than two classes. */
export async function classify(
  { features, length }: Features,
  labelled: { features: Float32Array; labels: number[]; classes: number },
  { seed, threads }: Pick<SuggestOptions, 'seed' | 'threads'>,
): Promise<Float64Array[] | undefined> {
  if (new Set(labelled.labels).size < 2) return undefined;
  const { labels, classes } = labelled;
  const problem = { features: labelled.features, length, labels, classes, groups: [...labels.keys()] };
  const { model } = await crossValidate(problem, { seed, threads });
  return Array.from({ length: features.length / length }, (_, row) => {
    const logits = Float64Array.from(model.biases);
    for (let j = 0; j < length; j++) {
      const value = features[row * length + j] as number;
      for (let k = 0; k < classes; k++)
        logits[k] = (logits[k] as number) + value * (model.coefficients[j * classes + k] as number);
    }
    return softmax(logits, 1);
  });
}

/**
 * Which pictures of a folder to label next: those that a classifier of the labelled pictures is unsure about and that stand
 * for many others, no two alike. An engine must be running.
 * @returns the first to label first; undefined where the signal ended it.
 */
export async function suggest(
  network: FeatureNetwork,
  options: SuggestOptions,
): Promise<Suggestion[] | undefined> {
  const { folder, rawData, count, signal, onFailure } = options;
  const { files, skipped } = await search(folder);
  for (const { path, reason } of skipped) onFailure?.(join(folder, path), reason);
  const unlabelled = files.map((file) => join(folder, file));
  const labelled = await findLabelled(rawData);
  const found = await featuresOfFiles([...unlabelled, ...labelled.files], network, options);
  if (!found || signal?.aborted) return undefined;
  for (const [index, reason] of found.failures)
    onFailure?.([...unlabelled, ...labelled.files][index] as string, reason);
  const { length } = network;
  const own = found.read.filter((index) => index < unlabelled.length);
  const known = found.read.slice(own.length);
  const features = found.features.subarray(0, own.length * length);
  const sides = {
    features: found.features.subarray(own.length * length),
    labels: known.map((index) => labelled.labels[index - unlabelled.length] as number),
    classes: labelled.classes.length,
  };
  const probabilities = await classify({ features, length }, sides, options);
  const uncertainties = own.map((_, row) =>
    probabilities ? entropyOf(probabilities[row] as Float64Array) : 1,
  );
  const ranked = await rankToLabel({ features, labelled: sides.features, length, uncertainties }, count);
  return ranked.map((row) => {
    const file = unlabelled[own[row] as number] as string;
    const values = probabilities?.[row];
    if (!values) return { file };
    const label = argmax(values);
    return { file, class: labelled.classes[label] as string, probability: values[label] as number };
  });
}

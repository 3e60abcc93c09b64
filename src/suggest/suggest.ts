import { join } from 'node:path';
import { sigmoid } from '../evaluation/multi_label/sigmoid.ts';
import { argmax, softmax } from '../evaluation/softmax.ts';
import { search } from '../images/find.ts';
import { crossValidate } from '../transfer/cross_validation.ts';
import type { FeatureNetwork } from '../transfer/feature_network.ts';
import { type FileFeatureOptions, featuresOfFiles } from '../transfer/file_features.ts';
import { fitOneVsRest } from '../transfer/fit_one_vs_rest.ts';
import { findLabelled, type LabelledSource } from './labelled.ts';
import { rankToLabel } from './rank.ts';

/** A class that a classifier of the labelled pictures takes a picture for, with its probability, 0 to 1. */
export interface Guess {
  class: string;
  probability: number;
}

/** A picture that is worth a label. */
export interface Suggestion {
  file: string;
  /** The likeliest class, where a picture has one; none with less than two classes. */
  guess?: Guess;
  /** Where it can show several: those of at least 0.5, the likeliest first; none where no class could be learned. */
  guesses?: Guess[];
}

export interface SuggestOptions extends FileFeatureOptions, LabelledSource {
  /** Folder of pictures without labels. */
  folder: string;
  count: number;
  seed: number;
  threads: number;
  /** Called for each file that cannot be read. */
  onFailure?: (file: string, reason: string) => void;
}

/** Shannon entropy as a share of the largest that there can be, 0 to 1. */
export function entropyOf(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (const p of Array.from(probabilities)) if (p > 0) sum -= p * Math.log(p);
  return sum / Math.log(probabilities.length);
}

/**
 * The mean over classes that do not exclude each other of the entropy of each, shown or not, 0 to 1: their joint entropy
 * where they are independent, as a share of the largest (Esuli and Sebastiani 2009, "Active Learning Strategies for
 * Multi-Label Text Classification", average the classes as well).
 */
export function meanEntropyOf(probabilities: ArrayLike<number>): number {
  const all = Array.from(probabilities, (p) => entropyOf([p, 1 - p]));
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

/** Features of pictures. */
export interface Features {
  /** float32 [pictures, length] */
  features: Float32Array;
  length: number;
}

/** Features of labelled pictures. */
export interface LabelledFeatures {
  features: Float32Array;
  /** [pictures]: indices of the classes that each shows. */
  labelSets: number[][];
  classes: number;
}

type Fit = Pick<SuggestOptions, 'seed' | 'threads'>;

/** Logits of each picture, by a linear classifier. @param weights [length, classes] */
function logitsOf(
  { features, length }: Features,
  weights: ArrayLike<number>,
  biases: ArrayLike<number>,
): Float64Array[] {
  const classes = biases.length;
  return Array.from({ length: features.length / length }, (_, row) => {
    const logits = Float64Array.from(biases);
    for (let j = 0; j < length; j++) {
      const value = features[row * length + j] as number;
      for (let k = 0; k < classes; k++)
        logits[k] = (logits[k] as number) + value * (weights[j * classes + k] as number);
    }
    return logits;
  });
}

/** Probabilities of each picture by a classifier of the labelled ones; undefined where they have less than two classes. */
export async function classify(
  pictures: Features,
  { features, labelSets, classes }: LabelledFeatures,
  { seed, threads }: Fit,
): Promise<Float64Array[] | undefined> {
  const labels = labelSets.map(([label]) => label as number);
  if (new Set(labels).size < 2) return undefined;
  const problem = { features, length: pictures.length, labels, classes, groups: [...labels.keys()] };
  const { model } = await crossValidate(problem, { seed, threads });
  return logitsOf(pictures, model.coefficients, model.biases).map((logits) => softmax(logits, 1));
}

/** The same where pictures can show several classes: undefined where none is shown by some and not by others. */
export async function classifySets(
  pictures: Features,
  { features, labelSets, classes }: LabelledFeatures,
  { seed, threads }: Fit,
): Promise<Float64Array[] | undefined> {
  const rows = [...Array(classes).keys()];
  const shown = rows.map((label) => labelSets.filter((set) => set.includes(label)).length);
  if (shown.every((count) => count === 0 || count === labelSets.length)) return undefined;
  const { length } = pictures;
  const head = { weights: new Float32Array(length * classes), biases: new Float32Array(classes) };
  const groups = [...labelSets.keys()];
  const data = { features, length, labelSets, classes, rows, head, groups, seed, threads };
  const { weights, biases } = await fitOneVsRest(data);
  return logitsOf(pictures, weights, biases).map((logits) => logits.map(sigmoid));
}

/** What a picture is taken for. */
function guessed(probabilities: Float64Array, classes: string[], isMultiLabel: boolean): Partial<Suggestion> {
  const all = classes.map((name, label) => ({ class: name, probability: probabilities[label] as number }));
  if (!isMultiLabel) return { guess: all[argmax(probabilities)] as Guess };
  const likely = all.filter(({ probability }) => probability >= 0.5);
  return { guesses: likely.sort((a, b) => b.probability - a.probability) };
}

/**
 * Which pictures of a folder to label next: those that a classifier of the labelled pictures is unsure about and that stand
 * for many others, no two alike. An engine must be running.
 * @returns the first to label first; undefined where the signal ended it.
 * @throws {UserError} where the labels file cannot be read.
 */
export async function suggest(
  network: FeatureNetwork,
  options: SuggestOptions,
): Promise<Suggestion[] | undefined> {
  const { folder, isMultiLabel, count, signal, onFailure } = options;
  const labelled = await findLabelled(options);
  const { files, skipped } = await search(folder);
  for (const { path, reason } of skipped) onFailure?.(join(folder, path), reason);
  const unlabelled = files.map((file) => join(folder, file));
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
    labelSets: known.map((index) => labelled.labelSets[index - unlabelled.length] as number[]),
    classes: labelled.classes.length,
  };
  const probabilities = await (isMultiLabel ? classifySets : classify)({ features, length }, sides, options);
  const uncertaintyOf = isMultiLabel ? meanEntropyOf : entropyOf;
  const uncertainties = own.map((_, row) =>
    probabilities ? uncertaintyOf(probabilities[row] as Float64Array) : 1,
  );
  const ranked = await rankToLabel({ features, labelled: sides.features, length, uncertainties }, count);
  return ranked.map((row) => {
    const file = unlabelled[own[row] as number] as string;
    const values = probabilities?.[row];
    return { file, ...(values && guessed(values, labelled.classes, isMultiLabel)) };
  });
}

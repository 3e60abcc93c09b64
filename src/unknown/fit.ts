import { tf } from '../tensors/tf.ts';
import { estimateLeftOut, type LeftOut } from './left_out.ts';
import { quantise } from './quantise.ts';
import { type QuantisedRows, unitRows } from './references.ts';
import { cosinesTo, distancesOf, highestProbability, limit, type Rejection } from './rejection.ts';

/** Features of pictures, and their classes. */
export interface Known {
  /** float32 [pictures, length] */
  features: Float32Array;
  /** [pictures], class indices. */
  labels: number[];
}

export interface FitRequest {
  length: number;
  classes: number;
  /** Pictures that the network was trained on, to compare others with. */
  train: Known;
  /** Pictures that it was not trained on, with logits [pictures, classes]. */
  validation: Known & { logits: Float32Array };
  /** Share of known pictures that may be rejected, above 0 and below 1. */
  share: number;
}

/** A fitted rejection, and how it does. */
export interface FittedRejection {
  references: QuantisedRows;
  factors: Pick<Rejection, 'distanceFactor' | 'doubtFactor'>;
  /** Validation pictures, and how many of them are beyond the limit. */
  pictures: number;
  rejected: number;
  /** With each class left out in turn; absent where that cannot be estimated. */
  leftOut?: LeftOut | undefined;
}

/** The picture that the limit is taken from must not lie beyond it where another engine rounds differently. */
const slack = 1 + 1e-5;
/** Cosines that are computed at once. */
const blockSize = 2 ** 22;

/**
 * The highest cosine of each row to the references of each class, float32 [pictures, classes]; -1 for a class without any.
 * An engine must be running.
 */
export function nearestByClass(
  features: Float32Array,
  {
    references,
    labels,
    classes,
    length,
  }: { references: Float32Array; labels: number[]; classes: number; length: number },
): Float32Array {
  const pictures = features.length / length;
  const nearest = new Float32Array(pictures * classes).fill(-1);
  const all = tf.tensor2d(references, [labels.length, length]);
  const atOnce = Math.max(1, Math.floor(blockSize / labels.length));
  for (let first = 0; first < pictures; first += atOnce) {
    const some = Math.min(atOnce, pictures - first);
    const rows = features.subarray(first * length, (first + some) * length);
    const block = tf.tidy(() => cosinesTo(tf.tensor2d(rows, [some, length]), all));
    const cosines = block.dataSync();
    block.dispose();
    for (let at = 0; at < cosines.length; at++) {
      const picture = first + Math.floor(at / labels.length);
      const cell = picture * classes + (labels[at % labels.length] as number);
      nearest[cell] = Math.max(nearest[cell] as number, cosines[at] as number);
    }
  }
  all.dispose();
  return nearest;
}

/** The highest of each row. */
function highestOf(rows: Float32Array, length: number): Float64Array {
  return Float64Array.from({ length: rows.length / length }, (_, row) =>
    rows.subarray(row * length, (row + 1) * length).reduce((most, value) => Math.max(most, value), -1),
  );
}

/** What values are multiplied by to have the standard deviation 1; 0 where they are all the same. */
function factorOf(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length;
  return variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
}

/**
 * The lowest limit beyond which at most `share` of unseen pictures lie, on average over draws of the pictures (split
 * conformal prediction, Vovk et al. 2005): with n scores the ceil((n + 1)(1 - share))-th, or the largest where n is too small.
 */
export function conformalLimit(scores: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(scores).sort();
  // 20 * 0.95 is 19.000000000000004 in some orders of multiplication.
  const rank = Math.ceil((sorted.length + 1) * (1 - share) - 1e-9);
  return sorted[Math.min(rank, sorted.length) - 1] as number;
}

/** How many pictures {@link conformalLimit} needs to keep its promise: with fewer the limit is the largest of all scores. */
export function picturesNeeded(share: number): number {
  return Math.ceil((1 - share) / share - 1e-9);
}

/**
 * Fits what rejects pictures of no class. An engine must be running.
 * @param request with at least one picture on each side.
 */
export function fitRejection({ length, classes, train, validation, share }: FitRequest): FittedRejection {
  const references = quantise(train.features, length);
  const nearest = nearestByClass(validation.features, {
    references: unitRows(references),
    labels: train.labels,
    classes,
    length,
  });
  const { logits, labels } = validation;
  const cosines = highestOf(nearest, classes);
  const doubts = Float64Array.from(
    labels,
    (_, picture) => 1 - highestProbability(rowOf(logits, picture, classes)),
  );
  const spread = { distanceFactor: factorOf(cosines), doubtFactor: factorOf(doubts) };
  if (spread.distanceFactor + spread.doubtFactor === 0) spread.distanceFactor = 1;
  const threshold = Math.max(conformalLimit(distancesOf(spread, cosines, logits), share) * slack, 1e-6);
  const factors = {
    distanceFactor: spread.distanceFactor / threshold,
    doubtFactor: spread.doubtFactor / threshold,
  };
  const distances = distancesOf(factors, cosines, logits);
  return {
    references,
    factors,
    pictures: labels.length,
    rejected: distances.filter((distance) => distance > limit).length,
    leftOut: estimateLeftOut({ nearest, logits, labels, classes, factors }),
  };
}

/** The logits of one picture. */
export function rowOf(rows: Float32Array, row: number, length: number): Float32Array {
  return rows.subarray(row * length, (row + 1) * length);
}

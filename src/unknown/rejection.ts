import { tf } from '../tensors/tf.ts';

/**
 * What a network answers "unknown" by: how far a picture's features are from those of the nearest picture that it was
 * trained on (Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors", with one neighbour), and how
 * unsure its probabilities are (Hendrycks and Gimpel 2017).
 */
export interface Rejection {
  /** The layer whose output the features are: what the last layer reads. */
  layer: string;
  /** Numbers per row of features. */
  length: number;
  /** float32 [rows, length]: features of pictures that were trained on, each with the norm 1. */
  references: Float32Array;
  /** Multiplies 1 - cosine to the nearest reference. */
  distanceFactor: number;
  /** Multiplies 1 - highest softmax probability. */
  doubtFactor: number;
}

/** Above this distance the answer is "unknown". */
export const limit = 1;

/**
 * The distance of each picture from what the network knows; above {@link limit} it is unknown.
 * @param cosines [pictures], to the nearest reference.
 * @param logits [pictures, classes]; the temperature of calibration does not count.
 */
export function distancesOf(
  { distanceFactor, doubtFactor }: Pick<Rejection, 'distanceFactor' | 'doubtFactor'>,
  cosines: ArrayLike<number>,
  logits: Float32Array,
): Float64Array {
  const classes = logits.length / Math.max(1, cosines.length);
  return Float64Array.from(cosines, (cosine, picture) => {
    const doubt = 1 - highestProbability(logits.subarray(picture * classes, (picture + 1) * classes));
    return distanceFactor * (1 - cosine) + doubtFactor * doubt;
  });
}

/** The highest softmax probability of a picture. @param without a class that is left out; default: none. */
export function highestProbability(logits: Float32Array, without = -1): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const [index, logit] of logits.entries()) if (index !== without) highest = Math.max(highest, logit);
  let sum = 0;
  for (const [index, logit] of logits.entries()) if (index !== without) sum += Math.exp(logit - highest);
  return 1 / sum;
}

/**
 * Cosines between rows and references.
 * @param features [pictures, length]
 * @param references [rows, length], each with the norm 1.
 * @returns [pictures, rows]; a row of zeros has the cosine 0 to all.
 */
export function cosinesTo(features: tf.Tensor2D, references: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const norms = tf.maximum(tf.sqrt(tf.sum(tf.square(features), 1, true)), 1e-12);
    return tf.matMul(tf.div(features, norms) as tf.Tensor2D, references, false, true);
  });
}

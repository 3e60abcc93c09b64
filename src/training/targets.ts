import type { Batch } from '../dataset/batches.ts';

/** What a batch's loss is measured against. */
export interface Objective {
  /** Share of each label that is spread over all classes alike. */
  labelSmoothing: number;
  /** How much a picture of each class counts; absent: 1 each. */
  classWeights?: number[] | undefined;
}

/** [batch, classes]: each picture's class has all of the label. */
export function sharesOf(labels: number[], classes: number): Float32Array {
  const shares = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) shares[row * classes + label] = 1;
  return shares;
}

/** (1 - smoothing) * shares + smoothing / classes (Szegedy et al. 2016, section 7). */
function smooth(shares: Float32Array, smoothing: number, classes: number): Float32Array {
  return shares.map((share) => (1 - smoothing) * share + smoothing / classes);
}

/** Of each picture: its class's weight; of one that shows several, theirs by their shares. */
function weigh(shares: Float32Array, classWeights: number[]): Float32Array {
  const classes = classWeights.length;
  return Float32Array.from({ length: shares.length / classes }, (_, row) =>
    classWeights.reduce((sum, weight, label) => sum + weight * (shares[row * classes + label] as number), 0),
  );
}

export interface Targets {
  /** [batch, classes], each row making 1. */
  shares: Float32Array;
  /** [batch], how much each picture counts; absent: 1 each. */
  weights?: Float32Array;
}

export function targetsOf(batch: Batch, classes: number, objective?: Objective): Targets {
  const shares = batch.shares ?? sharesOf(batch.labels, classes);
  const { labelSmoothing = 0, classWeights } = objective ?? {};
  return {
    shares: labelSmoothing > 0 ? smooth(shares, labelSmoothing, classes) : shares,
    ...(classWeights && { weights: weigh(shares, classWeights) }),
  };
}

/** pictures / (classes * pictures of the class), so that each class counts alike and all together as before. */
export function balancedWeights(labels: number[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts.map((count) => labels.length / (classes * Math.max(count, 1)));
}

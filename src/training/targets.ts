import type { Batch } from '../dataset/batches.ts';

/** What the loss compares the logits with, besides the labels. */
export interface Objective {
  /** Share of each label that is spread evenly over all classes, 0 to 1. */
  labelSmoothing: number;
  /** [classes], the weight of a picture of each class in the loss; absent: 1 each. */
  classWeights?: number[] | undefined;
}

/** [batch, classes]: 1 at each picture's class, 0 elsewhere. */
export function oneHot(labels: number[], classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) targets[row * classes + label] = 1;
  return targets;
}

/** (1 - smoothing) * target + smoothing / classes (Szegedy et al. 2016, section 7). */
function smooth(targets: Float32Array, smoothing: number, classes: number): Float32Array {
  return targets.map((target) => (1 - smoothing) * target + smoothing / classes);
}

/** [batch]: the class weights, weighted by the targets. */
function weigh(targets: Float32Array, classWeights: number[]): Float32Array {
  const classes = classWeights.length;
  return Float32Array.from({ length: targets.length / classes }, (_, row) =>
    classWeights.reduce((sum, weight, label) => sum + weight * (targets[row * classes + label] as number), 0),
  );
}

export interface Targets {
  /** [batch, classes], each row with the sum 1. */
  probabilities: Float32Array;
  /** [batch], the weight of each picture in the loss; absent: 1 each. */
  weights?: Float32Array;
}

export function targetsOf(batch: Batch, classes: number, objective?: Objective): Targets {
  const targets = batch.softLabels ?? oneHot(batch.labels, classes);
  const { labelSmoothing = 0, classWeights } = objective ?? {};
  return {
    probabilities: labelSmoothing > 0 ? smooth(targets, labelSmoothing, classes) : targets,
    ...(classWeights && { weights: weigh(targets, classWeights) }),
  };
}

/** pictures / (classes * pictures of the class): every class then has the same total weight, and their mean is 1. */
export function balancedWeights(labels: number[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts.map((count) => labels.length / (classes * Math.max(count, 1)));
}

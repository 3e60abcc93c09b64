import type { Batch } from '../dataset/batches.ts';

/** What the loss compares the logits with, besides the labels. */
export interface Objective {
  /** Share of each label that is spread evenly over all classes, 0 to 1. */
  labelSmoothing: number;
  /** [classes], the weight of a picture of each class in the loss; absent: 1 each. */
  classWeights?: number[] | undefined;
  /** [classes], with --multi-label: the weight where a picture does not show the class; `classWeights` is where it does. */
  absentWeights?: number[] | undefined;
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

/** [batch, classes]: the weights where classes are shown and where they are not, weighted by the targets. */
function weighSets(targets: Float32Array, present: number[], absent: number[]): Float32Array {
  return targets.map((target, at) => {
    const label = at % present.length;
    return target * (present[label] as number) + (1 - target) * (absent[label] as number);
  });
}

/** (1 - smoothing) * target + smoothing / 2: each class is a choice of two. */
function smoothSets(targets: Float32Array, smoothing: number): Float32Array {
  return targets.map((target) => (1 - smoothing) * target + smoothing / 2);
}

export interface Targets {
  /** [batch, classes]: each row with the sum 1, or with --multi-label each value 0 to 1. */
  probabilities: Float32Array;
  /** [batch], the weight of each picture in the loss, with --multi-label [batch, classes]; absent: 1 each. */
  weights?: Float32Array;
}

export function targetsOf(batch: Batch, classes: number, objective?: Objective): Targets {
  const targets = batch.softLabels ?? oneHot(batch.labels, classes);
  const { labelSmoothing = 0, classWeights, absentWeights } = objective ?? {};
  if (batch.labelSets)
    return {
      probabilities: labelSmoothing > 0 ? smoothSets(targets, labelSmoothing) : targets,
      ...(classWeights && absentWeights && { weights: weighSets(targets, classWeights, absentWeights) }),
    };
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

/**
 * The same for classes that are each on or off: pictures / (2 * pictures with the class) where it is shown and
 * pictures / (2 * pictures without it) where not, as scikit-learn's class_weight='balanced' for each class on its own.
 * @param labels of all pictures, one after the other.
 */
export function balancedSetWeights(
  labels: number[],
  pictures: number,
  classes: number,
): { classWeights: number[]; absentWeights: number[] } {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const weight = (count: number) => pictures / (2 * Math.max(count, 1));
  return { classWeights: counts.map(weight), absentWeights: counts.map((count) => weight(pictures - count)) };
}

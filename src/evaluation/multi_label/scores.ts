import { areasUnder, rank } from '../ranking.ts';

/** One class's scores, and which pictures show it. */
export interface ClassScores {
  /** One per picture, in any unit that rises with the probability. */
  scores: Float64Array;
  /** 1 for each picture that shows the class. */
  shown: Uint8Array;
}

/**
 * The scores of each class, from logits.
 * @param logits [pictures, classes], row by row.
 * @param labelSets indices of the classes that each picture shows.
 */
export function scoresByClass(logits: Float32Array, labelSets: number[][], classes: number): ClassScores[] {
  const all = Array.from({ length: classes }, () => ({
    scores: new Float64Array(labelSets.length),
    shown: new Uint8Array(labelSets.length),
  }));
  for (const [picture, labels] of labelSets.entries()) {
    for (const [label, { scores }] of all.entries())
      scores[picture] = logits[picture * classes + label] as number;
    for (const label of labels) (all[label] as ClassScores).shown[picture] = 1;
  }
  return all;
}

/**
 * Average precision: the sum over the steps of the precision-recall curve of (R_n - R_(n-1)) P_n, as scikit-learn's
 * average_precision_score.
 * @returns null where no picture shows the class.
 */
export function averagePrecision({ scores, shown }: ClassScores): number | null {
  const count = shown.reduce((sum, one) => sum + one, 0);
  if (count === 0) return null;
  if (count === shown.length) return 1;
  return areasUnder(rank(scores, (picture) => shown[picture] === 1))?.averagePrecision ?? null;
}

/** The mean over the classes that pictures show; null where there are none. */
export function meanAveragePrecision(all: ClassScores[]): number | null {
  const known = all.map(averagePrecision).filter((one) => one !== null);
  return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
}

import { areasUnder, rank } from '../evaluation/ranking.ts';
import { highestProbability, type Rejection } from './rejection.ts';

/** How pictures of a class that is not there would be rejected: means over the classes, each left out in turn. */
export interface LeftOut {
  /** How many classes were left out. */
  classes: number;
  /** Area under the ROC curve of unknown against known pictures, 0..1. */
  rocAuc: number;
  /** The same, of the highest probability alone. */
  softmaxRocAuc: number;
  /** For limits at which a share of the known pictures is rejected, the share of the unknown ones that is caught. */
  tradeOff: { rejected: number; caught: number }[];
}

/** Shares of known pictures that the trade-off lists. */
const shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];

interface Scored {
  /** [pictures, classes]: highest cosine to the references of each class. */
  nearest: Float32Array;
  /** [pictures, classes] */
  logits: Float32Array;
  /** [pictures] */
  labels: number[];
  classes: number;
  factors: Pick<Rejection, 'distanceFactor' | 'doubtFactor'>;
}

/** Area under the ROC curve, as scikit-learn's roc_auc_score; undefined where one side is empty. */
export function rocAucOf(scores: Float64Array, isUnknown: (picture: number) => boolean): number | undefined {
  return areasUnder(rank(scores, isUnknown))?.rocAuc;
}

/**
 * The lowest limit above which at most a share of the known scores lies, and the share of the unknown ones above it.
 * @param known sorted, lowest first.
 */
export function caughtAt(
  known: Float64Array,
  unknown: Float64Array,
  share: number,
): { most: number; caught: number } {
  const allowed = Math.floor(share * known.length + 1e-9);
  const most = known[known.length - 1 - allowed] ?? Number.NEGATIVE_INFINITY;
  return { most, caught: unknown.filter((score) => score > most).length / unknown.length };
}

/**
 * Leaves each class out in turn: neither its references nor its logit count, and its pictures are unknown.
 * Where the whole network was trained with the class, its features still know it, so the figures are better than those of
 * pictures that are new to it.
 * @returns undefined with fewer than two classes that have pictures.
 */
export function estimateLeftOut({ nearest, logits, labels, classes, factors }: Scored): LeftOut | undefined {
  const results = [...Array(classes).keys()].flatMap((out) => {
    const isOut = (picture: number) => labels[picture] === out;
    const doubts = Float64Array.from(labels, (_, picture) => {
      return 1 - highestProbability(logits.subarray(picture * classes, (picture + 1) * classes), out);
    });
    const scores = doubts.map((doubt, picture) => {
      let cosine = -1;
      for (let label = 0; label < classes; label++)
        if (label !== out) cosine = Math.max(cosine, nearest[picture * classes + label] as number);
      return factors.distanceFactor * (1 - cosine) + factors.doubtFactor * doubt;
    });
    const rocAuc = rocAucOf(scores, isOut);
    const softmaxRocAuc = rocAucOf(doubts, isOut);
    if (rocAuc === undefined || softmaxRocAuc === undefined) return [];
    const known = scores.filter((_, picture) => !isOut(picture)).sort();
    const unknown = scores.filter((_, picture) => isOut(picture));
    return [{ rocAuc, softmaxRocAuc, caught: shares.map((share) => caughtAt(known, unknown, share).caught) }];
  });
  if (results.length < 2) return undefined;
  const mean = (of: (one: (typeof results)[number]) => number) =>
    results.reduce((sum, one) => sum + of(one), 0) / results.length;
  return {
    classes: results.length,
    rocAuc: mean(({ rocAuc }) => rocAuc),
    softmaxRocAuc: mean(({ softmaxRocAuc }) => softmaxRocAuc),
    tradeOff: shares.map((rejected, at) => ({
      rejected,
      caught: mean(({ caught }) => caught[at] as number),
    })),
  };
}

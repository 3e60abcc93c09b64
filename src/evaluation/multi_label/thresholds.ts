import type { ClassScores } from './scores.ts';
import { sigmoid } from './sigmoid.ts';

/** The threshold of a class that no picture, or every picture, shows. */
export const untriedThreshold = 0.5;

/** What answering the `answered` pictures with the highest scores comes to. */
interface Cut {
  /** Between the lowest score that is answered and the highest that is not, as probabilities. */
  threshold: number;
  precision: number;
  recall: number;
  f1: number;
}

/** Every way to answer at least one picture, from the highest score down. */
function cutsOf({ scores, shown }: ClassScores): Cut[] {
  const order = [...scores.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const total = shown.reduce((sum, one) => sum + one, 0);
  const cuts: Cut[] = [];
  let right = 0;
  for (const [position, picture] of order.entries()) {
    right += shown[picture] as number;
    const score = scores[picture] as number;
    const next = order[position + 1];
    const below = next === undefined ? Number.NEGATIVE_INFINITY : (scores[next] as number);
    // Equal scores are answered together.
    if (below === score) continue;
    const answered = position + 1;
    cuts.push({
      threshold: (sigmoid(score) + sigmoid(below)) / 2,
      precision: right / answered,
      recall: right / total,
      f1: (2 * right) / (answered + total),
    });
  }
  return cuts;
}

/** The cut that is best; of equals the one whose threshold is nearest to 0.5. */
function bestBy(cuts: Cut[], value: (cut: Cut) => number): Cut | undefined {
  const distance = ({ threshold }: Cut) => Math.abs(threshold - untriedThreshold);
  const [first, ...others] = cuts;
  return others.reduce((best, one) => {
    const gain = value(one) - value(best as Cut);
    return gain > 0 || (gain === 0 && distance(one) < distance(best as Cut)) ? one : best;
  }, first);
}

/**
 * The probability from which a class is answered: that with the best F1, or with the most recall at a precision that is
 * asked for.
 * @param scores logits of pictures that the network has not learned from.
 * @param minPrecision 0 to 1.
 * @returns undefined where no threshold has this precision; 0.5 where no picture, or every picture, shows the class.
 */
export function chooseThreshold(scores: ClassScores, minPrecision?: number): number | undefined {
  const count = scores.shown.reduce((sum, one) => sum + one, 0);
  if (count === 0 || count === scores.shown.length) return untriedThreshold;
  const cuts = cutsOf(scores);
  if (minPrecision === undefined) return bestBy(cuts, ({ f1 }) => f1)?.threshold;
  return bestBy(
    cuts.filter(({ precision }) => precision >= minPrecision),
    ({ recall }) => recall,
  )?.threshold;
}

/** The thresholds with the best F1 of each class. */
export function bestThresholds(all: ClassScores[]): number[] {
  return all.map((scores) => chooseThreshold(scores) ?? untriedThreshold);
}

/** The threshold with the highest precision, for a class that does not reach the one that is asked for. */
export function mostPreciseThreshold(scores: ClassScores): number {
  return bestBy(cutsOf(scores), ({ precision }) => precision)?.threshold ?? untriedThreshold;
}

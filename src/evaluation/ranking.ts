/** Pictures sorted by the score of one class, highest first. Pictures with equal scores form one step of the curves. */
export interface Ranking {
  /** Indices of the pictures. */
  order: Uint32Array;
  /** 1 at each position whose successor has a lower score. */
  endsStep: Uint8Array;
  /** 1 at each position whose picture is of the class. */
  positive: Uint8Array;
}

/** Sorts the pictures by score. @param scores one per picture. */
export function rank(scores: Float64Array, isPositive: (picture: number) => boolean): Ranking {
  const order = Uint32Array.from(scores, (_, index) => index);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const score = (position: number) => scores[order[position] as number] as number;
  return {
    order,
    endsStep: Uint8Array.from(order, (_, position) =>
      position + 1 === order.length || score(position + 1) < score(position) ? 1 : 0,
    ),
    positive: Uint8Array.from(order, (picture) => (isPositive(picture) ? 1 : 0)),
  };
}

interface Areas {
  /** Area under the ROC curve, by the trapezoidal rule. */
  rocAuc: number;
  /** Average precision: sum over the steps of (R_n - R_(n-1)) P_n. */
  averagePrecision: number;
}

/**
 * Areas under the ROC and precision-recall curves of one class against the rest.
 * @param weights how many times each picture counts; default: once.
 * @returns undefined where every picture is of the class, or none is.
 */
export function areasUnder(
  { order, endsStep, positive }: Ranking,
  weights?: ArrayLike<number>,
): Areas | undefined {
  let [truePositives, falsePositives, stepTrue, stepFalse, rocArea, precisionSum] = [0, 0, 0, 0, 0, 0];
  for (let position = 0; position < order.length; position++) {
    const weight = weights ? (weights[order[position] as number] as number) : 1;
    if (positive[position]) stepTrue += weight;
    else stepFalse += weight;
    if (!endsStep[position]) continue;
    rocArea += stepFalse * (truePositives + stepTrue / 2);
    truePositives += stepTrue;
    falsePositives += stepFalse;
    if (stepTrue > 0) precisionSum += (stepTrue * truePositives) / (truePositives + falsePositives);
    stepTrue = stepFalse = 0;
  }
  if (truePositives === 0 || falsePositives === 0) return undefined;
  return {
    rocAuc: rocArea / (truePositives * falsePositives),
    averagePrecision: precisionSum / truePositives,
  };
}

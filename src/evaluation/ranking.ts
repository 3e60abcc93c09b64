/** Pictures by one class's probability, highest first; equal ones are one step of the curves. */
export interface Ranking {
  order: Uint32Array;
  /** For each place in the order, whether the next one has a lower score. */
  endsStep: Uint8Array;
  /** For each place in the order, whether the picture is of the class. */
  positive: Uint8Array;
}

export function rank(scores: Float64Array, isPositive: (picture: number) => boolean): Ranking {
  const order = Uint32Array.from(scores, (_, index) => index);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const score = (place: number) => scores[order[place] as number] as number;
  return {
    order,
    endsStep: Uint8Array.from(order, (_, place) =>
      place + 1 === order.length || score(place + 1) < score(place) ? 1 : 0,
    ),
    positive: Uint8Array.from(order, (picture) => (isPositive(picture) ? 1 : 0)),
  };
}

interface Areas {
  /** Area under the ROC curve, by trapezoids. */
  rocAuc: number;
  /** Average precision: the sum of precision times what recall gains, over the steps. */
  averagePrecision: number;
}

/**
 * Areas under the two curves of one class against the rest.
 * @param weights how many times each picture counts; absent: once.
 * @returns undefined where all pictures are of the class, or none is.
 */
export function areasUnder(
  { order, endsStep, positive }: Ranking,
  weights?: ArrayLike<number>,
): Areas | undefined {
  let [right, wrong, stepRight, stepWrong, rocArea, precisionSum] = [0, 0, 0, 0, 0, 0];
  for (let place = 0; place < order.length; place++) {
    const weight = weights ? (weights[order[place] as number] as number) : 1;
    if (positive[place]) stepRight += weight;
    else stepWrong += weight;
    if (!endsStep[place]) continue;
    rocArea += stepWrong * (right + stepRight / 2);
    right += stepRight;
    wrong += stepWrong;
    if (stepRight > 0) precisionSum += (stepRight * right) / (right + wrong);
    stepRight = stepWrong = 0;
  }
  if (right === 0 || wrong === 0) return undefined;
  return { rocAuc: rocArea / (right * wrong), averagePrecision: precisionSum / right };
}

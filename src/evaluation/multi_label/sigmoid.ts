/** The probability of a class that is on or off: 1 / (1 + exp(-logit)). */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Sigmoid cross-entropy of one class of one picture, nats; finite for every logit. @param target 0 to 1. */
export function sigmoidLoss(logit: number, target: number): number {
  return Math.max(logit, 0) - logit * target + Math.log1p(Math.exp(-Math.abs(logit)));
}

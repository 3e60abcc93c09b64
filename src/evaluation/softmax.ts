/** Logits of one picture -> probabilities that sum to 1. @param temperature divides the logits; 1 leaves them. */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  const values = Float64Array.from(logits, (logit) => logit / temperature);
  const highest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let index = 0; index < values.length; index++) {
    values[index] = Math.exp((values[index] as number) - highest);
    sum += values[index] as number;
  }
  return values.map((value) => value / sum);
}

/** Softmax cross-entropy of one picture, nats; finite where the probability of its class rounds to 0. */
export function crossEntropy(logits: ArrayLike<number>, label: number, temperature = 1): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < logits.length; index++) highest = Math.max(highest, logits[index] as number);
  let sum = 0;
  for (let index = 0; index < logits.length; index++)
    sum += Math.exp(((logits[index] as number) - highest) / temperature);
  return Math.log(sum) - ((logits[label] as number) - highest) / temperature;
}

/** Index of the highest logit, the first of equals. */
export function highest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < logits.length; index++)
    if ((logits[index] as number) > (logits[best] as number)) best = index;
  return best;
}

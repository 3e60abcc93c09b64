/**
 * Probabilities of one picture: non-negative, with sum 1.
 * @param temperature the logits are divided by it.
 */
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

/** Softmax cross-entropy of one picture in nats; finite even where the probability of its class rounds to 0. */
export function crossEntropy(logits: ArrayLike<number>, label: number, temperature = 1): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < logits.length; index++) highest = Math.max(highest, logits[index] as number);
  let sum = 0;
  for (let index = 0; index < logits.length; index++)
    sum += Math.exp(((logits[index] as number) - highest) / temperature);
  return Math.log(sum) - ((logits[label] as number) - highest) / temperature;
}

/** Index of the highest value, the first one of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++)
    if ((values[index] as number) > (values[best] as number)) best = index;
  return best;
}

/** Of answers that are less sure than a threshold. A network may have a class of that name, which they join. */
export const unknown = 'unknown';

export interface RankedClass {
  class: string;
  /** A probability, or a logit where the activation is 'none'. */
  value: number;
}

export interface ClassAnswer {
  /** The likeliest class, or 'unknown' where its value is below the threshold. */
  class: string;
  /** Every class, the likeliest first. */
  ranked: [RankedClass, ...RankedClass[]];
}

/**
 * What a network's values say.
 * @param values one a class, in their order. As many digits are kept as float32 has.
 * @param threshold the least value that a class is believed with; below every value where none is given.
 */
export function readAnswer(
  values: Float32Array,
  classes: string[],
  threshold = Number.NEGATIVE_INFINITY,
): ClassAnswer {
  const ranked = classes
    .map((name, index) => ({ class: name, value: Number((values[index] as number).toPrecision(7)) }))
    .sort((a, b) => b.value - a.value) as ClassAnswer['ranked'];
  return { class: ranked[0].value < threshold ? unknown : ranked[0].class, ranked };
}

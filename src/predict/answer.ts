/** The class of an answer below the threshold. A network may have a class of that name; they become one. */
export const unknown = 'unknown';

export interface RankedClass {
  class: string;
  /** A probability, 0..1, or a logit where the activation is 'none'. */
  value: number;
}

export interface ClassAnswer {
  /** The likeliest class, or 'unknown' where its value is below the threshold. */
  class: string;
  /** Every class, the likeliest first. */
  ranked: [RankedClass, ...RankedClass[]];
}

/**
 * Ranks the classes by a network's output for one picture.
 * @param values one per class, in the order of `classes`; rounded to the 7 digits that float32 holds.
 * @param threshold the answer is 'unknown' where no value reaches it. Default: no threshold.
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

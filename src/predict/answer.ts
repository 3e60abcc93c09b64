/** The class of an answer below the threshold. A network may have a class of that name; they become one. */
export const unknown = 'unknown';

export interface RankedClass {
  class: string;
  /** A probability, 0..1, or a logit where the activation is 'none'. */
  value: number;
}

/** The answer where a picture shows none of the classes. */
export const none = 'none';

export interface ClassAnswer {
  /**
   * The likeliest class, or 'unknown' where its value is below the threshold; with --multi-label 'none' where all are below
   * theirs.
   */
  class: string;
  /** With --multi-label: the classes that are answered, the likeliest first. */
  classes?: string[];
  /** Every class, the likeliest first. */
  ranked: [RankedClass, ...RankedClass[]];
}

function rank(values: Float32Array, classes: string[]): ClassAnswer['ranked'] {
  return classes
    .map((name, index) => ({ class: name, value: Number((values[index] as number).toPrecision(7)) }))
    .sort((a, b) => b.value - a.value) as ClassAnswer['ranked'];
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
  const ranked = rank(values, classes);
  return { class: ranked[0].value < threshold ? unknown : ranked[0].class, ranked };
}

/**
 * The same for a network whose classes do not exclude each other: all are answered whose values reach their thresholds.
 * @param thresholds one per class, in the unit of the values.
 */
export function readAnswers(values: Float32Array, classes: string[], thresholds: number[]): ClassAnswer {
  const ranked = rank(values, classes);
  const isAnswered = new Set(
    classes.filter((_, index) => (values[index] as number) >= (thresholds[index] as number)),
  );
  const answered = ranked.map((one) => one.class).filter((name) => isAnswered.has(name));
  return { class: answered[0] ?? none, classes: answered, ranked };
}

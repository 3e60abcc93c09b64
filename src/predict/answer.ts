import { limit } from '../unknown/rejection.ts';
import type { Activation, Judged, Predictor } from './predictor.ts';

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
   * The likeliest class, or 'unknown' where its value is below the threshold, or the picture beyond the limit; with
   * --multi-label 'none' where all are below theirs.
   */
  class: string;
  /** With --multi-label: the classes that are answered, the likeliest first. */
  classes?: string[];
  /** Every class, the likeliest first. */
  ranked: [RankedClass, ...RankedClass[]];
  /** How far the picture is from what the network knows; above 1 it is unknown. Only with a network that was trained so. */
  distance?: number;
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
 * @param distance from what the network knows; the answer is 'unknown' where it is above 1. Default: not known.
 */
export function readAnswer(
  values: Float32Array,
  classes: string[],
  threshold = Number.NEGATIVE_INFINITY,
  distance?: number,
): ClassAnswer {
  const ranked = rank(values, classes);
  const isUnknown = ranked[0].value < threshold || (distance !== undefined && distance > limit);
  const rounded = distance === undefined ? {} : { distance: Number(distance.toPrecision(7)) };
  return { class: isUnknown ? unknown : ranked[0].class, ranked, ...rounded };
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

/** Reads a network's output for a picture. */
export type Reader = (judged: Judged) => ClassAnswer;

/** The logit of a probability. */
const logitOf = (probability: number) => Math.log(probability / (1 - probability));

/** Reads a network's values: one class, or where they do not exclude each other all that reach their thresholds. */
export function readerFor(
  { description, thresholds }: Predictor,
  activation: Activation,
  threshold?: number,
): Reader {
  const { classes } = description;
  if (!thresholds) return ({ values, distance }) => readAnswer(values, classes, threshold, distance);
  const chosen = thresholds.map((one) => threshold ?? one);
  const inUnit = activation === 'none' ? chosen.map(logitOf) : chosen;
  return ({ values }) => readAnswers(values, classes, inUnit);
}

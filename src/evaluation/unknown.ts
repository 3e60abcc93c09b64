import { UserError } from '../errors.ts';
import { foundInput, type PredictInput } from '../predict/inputs.ts';
import { type Inputs, predictAll } from '../predict/predict_all.ts';
import type { Predictor } from '../predict/predictor.ts';
import { caughtAt, rocAucOf } from '../unknown/left_out.ts';
import { highestProbability, limit } from '../unknown/rejection.ts';
import type { Unreadable } from './collect_answers.ts';
import type { LabelledPicture } from './pictures.ts';

/** How well a way of rejecting pictures tells unknown from known ones. */
export interface Separation {
  /** Area under the ROC curve of unknown against known pictures, 0..1. */
  rocAuc: number;
  /** Share of the known pictures that is rejected, 0..1. */
  knownRejected: number;
  /** Share of the unknown pictures that is rejected, 0..1. */
  unknownCaught: number;
}

/** How a network that was trained with `--unknown` answers pictures of no class. */
export interface UnknownEvaluation {
  /** Pictures that could be read. */
  known: number;
  unknown: number;
  /** By the distance, at its limit. */
  distance: Separation;
  /** By the highest probability alone, at the threshold that rejects as many of these known pictures. */
  softmax: Separation & { threshold: number };
  unreadable: Unreadable[];
}

/** Distances, and what is left of 1 above the highest probability. */
interface Scores {
  distances: number[];
  doubts: number[];
}

async function scoresOf(
  predictor: Predictor,
  inputs: Inputs,
  unreadable: Unreadable[],
  onProgress: () => void,
): Promise<Scores> {
  const scores: Scores = { distances: [], doubts: [] };
  for await (const prediction of predictAll(predictor, inputs, 'none')) {
    onProgress();
    if ('error' in prediction) {
      unreadable.push({ file: prediction.name, reason: prediction.error });
      continue;
    }
    scores.distances.push(prediction.distance as number);
    scores.doubts.push(1 - highestProbability(prediction.values));
  }
  return scores;
}

const shareAbove = (scores: number[], most: number) =>
  scores.filter((score) => score > most).length / scores.length;

function rocAuc(known: number[], unknown: number[]): number {
  const area = rocAucOf(Float64Array.from([...known, ...unknown]), (picture) => picture >= known.length);
  return area as number;
}

/** The probability below which at most a share of the known pictures lies, and what it catches. */
function softmaxAt(share: number, known: number[], unknown: number[]): UnknownEvaluation['softmax'] {
  const sorted = Float64Array.from(known).sort();
  const { most, caught } = caughtAt(sorted, Float64Array.from(unknown), share);
  return {
    rocAuc: rocAuc(known, unknown),
    knownRejected: shareAbove(known, most),
    unknownCaught: caught,
    threshold: 1 - most,
  };
}

/**
 * Measures how a network that was trained with `--unknown` tells pictures of no class from those of its classes.
 * @param known pictures of its classes that it was not trained on.
 * @param unknown pictures of no class.
 * @param onProgress called after each picture with the number of pictures so far.
 * @throws {UserError} where the network was trained without `--unknown`, or no picture of one side can be read.
 */
export async function evaluateUnknown(
  predictor: Predictor,
  { known, unknown }: { known: LabelledPicture[]; unknown: AsyncIterable<PredictInput> },
  onProgress: (done: number) => void = () => {},
): Promise<UnknownEvaluation> {
  if (!predictor.judge)
    throw new UserError(
      `${predictor.checkpoint} was trained without --unknown; add it with "bat-sup train --resume --unknown".`,
    );
  const unreadable: Unreadable[] = [];
  let done = 0;
  const next = () => onProgress(++done);
  const ofKnown = await scoresOf(
    predictor,
    known.map(({ file }) => foundInput(file)),
    unreadable,
    next,
  );
  const ofUnknown = await scoresOf(predictor, unknown, unreadable, next);
  for (const [what, { distances }] of [
    ['known', ofKnown],
    ['unknown', ofUnknown],
  ] as const)
    if (distances.length === 0) {
      const [first] = unreadable;
      throw new UserError(
        `None of the ${what} pictures can be read. The first is ${first?.file}: ${first?.reason}.`,
      );
    }
  const knownRejected = shareAbove(ofKnown.distances, limit);
  return {
    known: ofKnown.distances.length,
    unknown: ofUnknown.distances.length,
    distance: {
      rocAuc: rocAuc(ofKnown.distances, ofUnknown.distances),
      knownRejected,
      unknownCaught: shareAbove(ofUnknown.distances, limit),
    },
    softmax: softmaxAt(knownRejected, ofKnown.doubts, ofUnknown.doubts),
    unreadable,
  };
}

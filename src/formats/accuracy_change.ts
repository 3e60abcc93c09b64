import { type Answers, logitsOf } from '../evaluation/answers.ts';
import { collectAnswers } from '../evaluation/collect_answers.ts';
import type { LabelledPicture } from '../evaluation/pictures.ts';
import { argmax } from '../evaluation/softmax.ts';
import { fittingOf } from '../models/preprocessing.ts';
import { decoderFor } from '../predict/load_predictor.ts';
import { createPredictor } from '../predict/predictor.ts';
import type { Network } from './format.ts';
import { valuesOf } from './network.ts';

/** How rounding the weights changed a network's accuracy. */
export interface AccuracyChange {
  /** How many pictures could be read. */
  pictures: number;
  /** Share of correct predictions, 0..1. */
  accuracyBefore: number;
  accuracyAfter: number;
  /** How many predictions changed. */
  changed: number;
}

async function predictAll(network: Network, pictures: LabelledPicture[]): Promise<Answers> {
  const { model, preprocessing, temperature } = network;
  const decode = decoderFor(model, preprocessing);
  const { layers } = network;
  const predicted = { description: model, layers, preprocessing, weights: valuesOf(network) };
  const predictor = createPredictor(predicted, {
    decode,
    ...fittingOf(preprocessing),
    temperature,
    checkpoint: '',
  });
  const collecting = collectAnswers(predictor, pictures);
  return (await collecting.finally(() => predictor.dispose())).answers;
}

/**
 * Classifies the same pictures with a network and with its exported form. An engine must be running.
 * @param stored the network read back from the exported file, with rounded weights.
 * @returns undefined where none of the pictures can be read.
 */
export async function measureAccuracyChange(
  network: Network,
  stored: Network,
  pictures: LabelledPicture[],
): Promise<AccuracyChange | undefined> {
  const before = await predictAll(network, pictures);
  const after = await predictAll(stored, pictures);
  const { labels } = before;
  if (labels.length === 0) return undefined;
  const [exact, rounded] = [before, after].map((answers) =>
    labels.map((_, index) => argmax(logitsOf(answers, index))),
  ) as [number[], number[]];
  const accuracyOf = (predictions: number[]) =>
    predictions.filter((prediction, index) => prediction === labels[index]).length / labels.length;
  return {
    pictures: labels.length,
    accuracyBefore: accuracyOf(exact),
    accuracyAfter: accuracyOf(rounded),
    changed: exact.filter((prediction, index) => prediction !== rounded[index]).length,
  };
}

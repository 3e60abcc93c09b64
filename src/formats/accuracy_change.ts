import { type Answers, logitsOf } from '../evaluation/answers.ts';
import { collectAnswers } from '../evaluation/collect_answers.ts';
import { sigmoid } from '../evaluation/multi_label/sigmoid.ts';
import type { LabelledPicture } from '../evaluation/pictures.ts';
import { argmax } from '../evaluation/softmax.ts';
import { fittingOf } from '../models/preprocessing.ts';
import { decoderFor } from '../predict/load_predictor.ts';
import { createPredictor } from '../predict/predictor.ts';
import type { Network } from './format.ts';
import { valuesOf } from './network.ts';

/** How rounding the weights changed a network's accuracy; where it answers several classes, all of them must be right. */
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

/** Indices of the classes that a network answers. */
function answeredBy({ model, thresholds }: Network, logits: Float32Array): number[] {
  if (!model.isMultiLabel) return [argmax(logits)];
  const isAnswered = (logit: number, label: number) => sigmoid(logit) >= (thresholds?.[label] ?? 0.5);
  return [...logits.keys()].filter((label) => isAnswered(logits[label] as number, label));
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
  const { labels, labelSets } = before;
  if (labels.length === 0) return undefined;
  const right = labels.map((label, index) => (labelSets?.[index] ?? [label]).join());
  const [exact, rounded] = [before, after].map((answers) =>
    labels.map((_, index) => answeredBy(network, logitsOf(answers, index)).join()),
  ) as [string[], string[]];
  const accuracyOf = (predictions: string[]) =>
    predictions.filter((prediction, index) => prediction === right[index]).length / labels.length;
  return {
    pictures: labels.length,
    accuracyBefore: accuracyOf(exact),
    accuracyAfter: accuracyOf(rounded),
    changed: exact.filter((prediction, index) => prediction !== rounded[index]).length,
  };
}

import { type Answers, logitsOf } from '../evaluation/answers.ts';
import { collectAnswers } from '../evaluation/collect_answers.ts';
import type { LabelledPicture } from '../evaluation/pictures.ts';
import { argmax } from '../evaluation/softmax.ts';
import { decoderFor } from '../predict/load_predictor.ts';
import { createPredictor } from '../predict/predictor.ts';
import type { Network } from './format.ts';
import { modelOf } from './network.ts';

/** What a network lost as its weights were rounded. */
export interface AccuracyChange {
  /** That could be read. */
  pictures: number;
  /** Shares of right answers, 0..1. */
  accuracyBefore: number;
  accuracyAfter: number;
  /** Pictures whose answer is another now. */
  changed: number;
}

async function ask(network: Network, pictures: LabelledPicture[]): Promise<Answers> {
  const { model, preprocessing, temperature } = network;
  const decode = decoderFor(model, preprocessing);
  const predictor = createPredictor(modelOf(network), {
    decode,
    fit: preprocessing.fit,
    temperature,
    checkpoint: '',
  });
  const collecting = collectAnswers(predictor, pictures);
  return (await collecting.finally(() => predictor.dispose())).answers;
}

/**
 * Asks a network and what was stored of it about the same pictures. The engine must have been started.
 * @returns undefined where none of the pictures can be read.
 */
export async function measureAccuracyChange(
  network: Network,
  stored: Network,
  pictures: LabelledPicture[],
): Promise<AccuracyChange | undefined> {
  const before = await ask(network, pictures);
  const after = await ask(stored, pictures);
  const { labels } = before;
  if (labels.length === 0) return undefined;
  const choices = [before, after].map((answers) =>
    labels.map((_, place) => argmax(logitsOf(answers, place))),
  );
  const [own, rounded] = choices as [number[], number[]];
  const accuracyOf = (answers: number[]) =>
    answers.filter((answer, place) => answer === labels[place]).length / labels.length;
  return {
    pictures: labels.length,
    accuracyBefore: accuracyOf(own),
    accuracyAfter: accuracyOf(rounded),
    changed: own.filter((answer, place) => answer !== rounded[place]).length,
  };
}

import type { World } from '../cluster/index.ts';
import { foundInput, type PredictInput } from '../predict/inputs.ts';
import { predictAll } from '../predict/predict_all.ts';
import { predictOnRanks } from '../predict/predict_on_ranks.ts';
import type { Predictor } from '../predict/predictor.ts';
import type { Answers } from './answers.ts';
import type { LabelledPicture } from './pictures.ts';

/** A picture that could not be decoded, and why. */
export interface Unreadable {
  file: string;
  reason: string;
}

async function* inputsOf(pictures: LabelledPicture[]): AsyncGenerator<PredictInput> {
  for (const { file } of pictures) yield foundInput(file);
}

/**
 * Predicts the logits of labelled pictures. Only a few batches of pictures are in memory at a time.
 * @param world ranks that share the work: all of them must call this with the same pictures; rank 0 gets the answers.
 * @returns the answers in the order of the pictures, without the pictures that could not be read.
 */
export async function collectAnswers(
  predictor: Predictor,
  pictures: LabelledPicture[],
  onProgress: (done: number) => void = () => {},
  world?: World,
): Promise<{ answers: Answers; unreadable: Unreadable[] }> {
  const { classes } = predictor.description;
  const logits = new Float32Array(pictures.length * classes.length);
  const files: string[] = [];
  const labels: number[] = [];
  const labelSets: number[][] = [];
  const unreadable: Unreadable[] = [];
  let done = 0;
  const inputs = inputsOf(pictures);
  const predictions = world
    ? predictOnRanks(world, predictor, inputs, 'none')
    : predictAll(predictor, inputs, 'none');
  for await (const prediction of predictions) {
    const { label, labels: set, source } = pictures[done] as LabelledPicture;
    if ('values' in prediction) {
      logits.set(prediction.values, labels.length * classes.length);
      files.push(source ?? prediction.name);
      labels.push(label);
      if (set) labelSets.push(set);
    } else {
      unreadable.push({ file: prediction.name, reason: prediction.error });
    }
    onProgress(++done);
  }
  return {
    answers: {
      classes,
      files,
      labels,
      ...(labelSets.length > 0 && { labelSets }),
      logits: logits.subarray(0, labels.length * classes.length),
    },
    unreadable,
  };
}

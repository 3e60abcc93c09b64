import { foundInput, type PredictInput } from '../predict/inputs.ts';
import type { Predictor } from '../predict/load_model.ts';
import { predictAll } from '../predict/predict_all.ts';
import type { Answers } from './answers.ts';
import type { LabelledPicture } from './pictures.ts';

export interface Unreadable {
  file: string;
  reason: string;
}

async function* inputsOf(pictures: LabelledPicture[]): AsyncGenerator<PredictInput> {
  for (const { file } of pictures) yield foundInput(file);
}

/**
 * The network's logits for pictures whose classes are known. Of the pictures, a few batches are in memory at a time.
 * @returns the answers in the pictures' order, and the pictures that cannot be read.
 */
export async function collectAnswers(
  predictor: Predictor,
  pictures: LabelledPicture[],
  onProgress: (done: number) => void = () => {},
): Promise<{ answers: Answers; unreadable: Unreadable[] }> {
  const { classes } = predictor.description;
  const logits = new Float32Array(pictures.length * classes.length);
  const files: string[] = [];
  const labels: number[] = [];
  const unreadable: Unreadable[] = [];
  let done = 0;
  for await (const prediction of predictAll(predictor, inputsOf(pictures), 'none')) {
    const { label } = pictures[done] as LabelledPicture;
    if ('values' in prediction) {
      logits.set(prediction.values, labels.length * classes.length);
      files.push(prediction.name);
      labels.push(label);
    } else {
      unreadable.push({ file: prediction.name, reason: prediction.error });
    }
    onProgress(++done);
  }
  return {
    answers: { classes, files, labels, logits: logits.subarray(0, labels.length * classes.length) },
    unreadable,
  };
}

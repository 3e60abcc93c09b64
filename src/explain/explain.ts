import { UsageError } from '../errors.ts';
import type { Predictor } from '../predict/predictor.ts';
import { gradCam } from './grad_cam.ts';
import { correlation, type HeatMap } from './heat_map.ts';
import { type Occlusion, occlusion } from './occlusion.ts';

export interface ExplainOptions {
  /** Which class to explain. Default: the likeliest. */
  class?: string | undefined;
  /** Also by occlusion, which takes some two hundred predictions. Default true. */
  occlusion?: boolean;
}

/** Why a picture is taken for one class. */
export interface Explanation {
  class: string;
  /** By softmax, 0..1. */
  probability: number;
  /** Of the heat maps, pixels: the network's. */
  height: number;
  width: number;
  gradCam: HeatMap;
  occlusion?: Occlusion;
  /** Correlation of the two heat maps, -1..1; absent without occlusion or where one of them is empty. */
  agreement?: number;
}

/** @throws {UsageError} where there is no such class, listing those that there are. */
export function classIndexOf(classes: string[], name: string): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  throw new UsageError(`There is no class "${name}" in the checkpoint; it has ${classes.join(', ')}.`);
}

/**
 * Where in a picture the network sees a class: by Grad-CAM, and by occlusion as a check that needs no gradients.
 * The engine must have been started.
 * @param picture uint8 [height, width, channels] as `model.decode` gives it.
 * @throws {UsageError} where there is no such class. {UserError} where the network has no convolution.
 * @example
 * const { predictor } = await loadModel('checkpoints');
 * const { class: name, gradCam } = await explain(predictor, await predictor.decode('sup.jpg'));
 */
export async function explain(
  model: Predictor,
  picture: Uint8Array,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { classes, height, width } = model.description;
  const asked = options.class === undefined ? undefined : classIndexOf(classes, options.class);
  const [probabilities] = (await model.predict([picture])) as [Float32Array];
  const index = asked ?? probabilities.indexOf(Math.max(...probabilities));
  const explanation: Explanation = {
    class: classes[index] as string,
    probability: probabilities[index] as number,
    height,
    width,
    gradCam: await gradCam(model, picture, index),
  };
  if (options.occlusion === false) return explanation;
  const occluded = await occlusion(model, picture, index);
  const agreement = correlation(explanation.gradCam, occluded.heat);
  return { ...explanation, occlusion: occluded, ...(agreement === undefined ? {} : { agreement }) };
}

import { UsageError } from '../errors.ts';
import { readerFor } from '../predict/answer.ts';
import { type Judged, judge, ownActivation, type Predictor } from '../predict/predictor.ts';
import { gradCam } from './grad_cam.ts';
import { correlation, type HeatMap } from './heat_map.ts';
import { type Occlusion, occlusion } from './occlusion.ts';

/** Options of {@link explain}. */
export interface ExplainOptions {
  /** Which class to explain. Default: the likeliest. */
  class?: string | undefined;
  /** Whether to add occlusion, which takes about two hundred predictions. Default: true. */
  occlusion?: boolean;
}

/** Which parts of a picture speak for one class. */
export interface Explanation {
  class: string;
  /** Probability of the class, 0..1. */
  probability: number;
  /** How far the picture is from what the network knows, above 1 unknown; only where it was trained with `--unknown`. */
  distance?: number;
  /** Pixels of the heat maps: the network's input size. */
  height: number;
  width: number;
  /** float32 [height, width], 0..1. */
  gradCam: HeatMap;
  occlusion?: Occlusion;
  /** Pearson correlation of the two heat maps, -1..1; absent without occlusion, or where one of the maps is constant. */
  agreement?: number;
}

/** Index of a class by its name. @throws {UsageError} where the network has no such class; it lists the classes. */
export function classIndexOf(classes: string[], name: string): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  throw new UsageError(`The checkpoint has no class "${name}"; its classes are ${classes.join(', ')}.`);
}

/**
 * The classes to explain: one that is asked for, those that are answered where several can be, or the likeliest.
 * @param picture uint8 [height, width, channels].
 */
export async function classesToExplain(
  model: Predictor,
  picture: Uint8Array,
  asked: string | undefined,
): Promise<string[]> {
  if (asked !== undefined) return [asked];
  const [values] = (await model.predict([picture])) as [Float32Array];
  const { ranked, classes = [] } = readerFor(model, ownActivation(model.description))({ values });
  return classes.length > 0 ? classes : [ranked[0].class];
}

/**
 * Shows where in a picture the network sees a class: by Grad-CAM, and by occlusion as a check without gradients.
 * The engine must have been started.
 * @param picture uint8 [height, width, channels], from `model.decode`.
 * @throws {UsageError} where the network has no such class.
 * @throws {UserError} where the network has no convolution.
 * @example
 * ```ts
 * import { readdir } from 'node:fs/promises';
 * import { explain, loadModel } from 'bat-sup';
 *
 * const { predictor, classes, dispose } = await loadModel('checkpoints', { engine: 'wasm' });
 * const folder = `rawdata/${classes[0]}`;
 * const picture = await predictor.decode(`${folder}/${(await readdir(folder))[0]}`);
 * const { class: name, gradCam, agreement } = await explain(predictor, picture);
 * console.log(name, Math.max(...gradCam), agreement);
 * await dispose();
 * ```
 */
export async function explain(
  model: Predictor,
  picture: Uint8Array,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { classes, height, width } = model.description;
  const asked = options.class === undefined ? undefined : classIndexOf(classes, options.class);
  const [{ values: probabilities, distance }] = (await judge(model, [picture])) as [Judged];
  const index = asked ?? probabilities.indexOf(Math.max(...probabilities));
  const explanation: Explanation = {
    class: classes[index] as string,
    probability: probabilities[index] as number,
    ...(distance !== undefined && { distance }),
    height,
    width,
    gradCam: await gradCam(model, picture, index),
  };
  if (options.occlusion === false) return explanation;
  const occluded = await occlusion(model, picture, index);
  const agreement = correlation(explanation.gradCam, occluded.heat);
  return { ...explanation, occlusion: occluded, ...(agreement === undefined ? {} : { agreement }) };
}

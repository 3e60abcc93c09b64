import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import type { PredictInput } from '../predict/inputs.ts';
import type { Predictor } from '../predict/predictor.ts';
import { makeFolder, writeFileAtomically } from '../system/files.ts';
import { classesToExplain, classIndexOf, type ExplainOptions, type Explanation, explain } from './explain.ts';
import { featureMaps } from './feature_maps.ts';
import type { HeatMap } from './heat_map.ts';
import { addLegend, type Legend } from './legend.ts';
import { openOutputNames } from './output_names.ts';
import { drawOverlay, enlargementFor } from './overlay.ts';
import { drawSheet } from './sheet.ts';

/** Options of {@link explainAll}. */
export interface ExplainAllOptions extends ExplainOptions {
  /** Folder for the drawings; created if it does not exist. */
  output: string;
  /** Whether to draw the feature maps of every layer as well. Default: false. */
  layers?: boolean;
}

/** Paths of the PNG files drawn for a picture. */
export interface ExplanationFiles {
  gradCam: string;
  occlusion?: string;
  /** By layer name. */
  layers?: Record<string, string>;
}

/**
 * The result for one picture: its explanation and drawings, or why it could not be read. Where several classes can be
 * answered there is one for each that is.
 */
export type Explained =
  | { name: string; explanation: Explanation; files: ExplanationFiles }
  | { name: string; error: string };

interface Decoded {
  /** uint8 [height, width, channels]: the network's input. */
  pixels: Uint8Array;
  /** The same picture enlarged, which the heat maps are drawn over. */
  large: Uint8Array;
}

async function decode(model: Predictor, input: PredictInput): Promise<Decoded> {
  const bytes = await input.read();
  const pixels = await model.decode(bytes);
  return { pixels, large: await model.decode(bytes, enlargementFor(model.description)) };
}

const gradCamSuffix = '-gradcam.png';
/** What the name of a file cannot have. */
const unsafe = /[/\\:*?"<>|\0]/g;

/** Draws the explanation of one picture. @param stem path of the files without their suffixes. */
async function draw(
  model: Predictor,
  { pixels, large }: Decoded,
  { explanation, stem, layers }: { explanation: Explanation; stem: string; layers: boolean },
): Promise<ExplanationFiles> {
  const sizes = { ...model.description, enlargement: enlargementFor(model.description) };
  const classIndex = model.description.classes.indexOf(explanation.class);
  const overlay = async (file: string, heat: HeatMap, method: Legend['method']) => {
    const drawn = await drawOverlay(heat, large, sizes);
    await writeFileAtomically(file, await addLegend(drawn, { ...explanation, classIndex, method }));
    return file;
  };
  const files: ExplanationFiles = {
    gradCam: await overlay(`${stem}${gradCamSuffix}`, explanation.gradCam, 'Grad-CAM'),
  };
  if (explanation.occlusion)
    files.occlusion = await overlay(`${stem}-occlusion.png`, explanation.occlusion.heat, 'Occlusion');
  if (!layers) return files;
  files.layers = {};
  for (const maps of await featureMaps(model, pixels)) {
    const file = `${stem}-${maps.layer}.png`;
    await writeFileAtomically(file, await drawSheet(maps));
    files.layers[maps.layer] = file;
  }
  return files;
}

/**
 * Explains pictures one after the other, in the order of the inputs, and draws the heat maps as PNG files in `output`.
 * A file in there is replaced only by a newer drawing of the same picture. The engine must have been started.
 * @param inputs each with a name, which the files are named after, and a function that reads a path or bytes.
 * @throws {UsageError} where the network has no such class.
 * @throws {UserError} where the folder cannot be created, or the network has no convolution.
 * @example
 * ```ts
 * import { readdir } from 'node:fs/promises';
 * import { explainAll, loadModel } from 'bat-sup';
 *
 * const { predictor, classes, dispose } = await loadModel('checkpoints', { engine: 'wasm' });
 * const folder = `rawdata/${classes[0]}`;
 * async function* inputs() {
 *   for (const name of await readdir(folder)) yield { name, read: async () => `${folder}/${name}` };
 * }
 * for await (const one of explainAll(predictor, inputs(), { output: 'explained', occlusion: false }))
 *   console.log(one.name, 'files' in one ? one.files.gradCam : one.error);
 * await dispose();
 * ```
 */
export async function* explainAll(
  model: Predictor,
  inputs: AsyncIterable<PredictInput>,
  options: ExplainAllOptions,
): AsyncGenerator<Explained> {
  const { output, layers = false } = options;
  if (options.class !== undefined) classIndexOf(model.description.classes, options.class);
  await makeFolder(output).catch((error) => {
    throw new UserError(
      `${output} cannot be created (${reason(error)}); choose another folder with --output.`,
    );
  });
  const names = await openOutputNames(output, gradCamSuffix);
  // Where several classes can be answered, each has drawings of its own.
  const isOne = !model.thresholds || options.class !== undefined;
  for await (const input of inputs) {
    const decoded = await decode(model, input).catch((error: unknown) => ({ error: reason(error) }));
    if ('error' in decoded) {
      yield { name: input.name, ...decoded };
      continue;
    }
    const stem = join(output, await names.nameFor(input.name));
    for (const name of await classesToExplain(model, decoded.pixels, options.class)) {
      const explanation = await explain(model, decoded.pixels, { ...options, class: name });
      const own = isOne ? stem : `${stem}-${name.replaceAll(unsafe, '_')}`;
      yield {
        name: input.name,
        explanation,
        files: await draw(model, decoded, { explanation, stem: own, layers }),
      };
    }
  }
}

import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import type { PredictInput } from '../predict/inputs.ts';
import type { Predictor } from '../predict/predictor.ts';
import { makeFolder, writeFileAtomically } from '../system/files.ts';
import { classIndexOf, type ExplainOptions, type Explanation, explain } from './explain.ts';
import { featureMaps } from './feature_maps.ts';
import type { HeatMap } from './heat_map.ts';
import { addLegend, type Legend } from './legend.ts';
import { openOutputNames } from './output_names.ts';
import { drawOverlay, enlargementFor } from './overlay.ts';
import { drawSheet } from './sheet.ts';

export interface ExplainAllOptions extends ExplainOptions {
  /** Where the drawings go; made where it is not there. */
  output: string;
  /** Also a sheet of every layer's feature maps. Default false. */
  layers?: boolean;
}

/** The PNG files drawn of a picture. */
export interface ExplanationFiles {
  gradCam: string;
  occlusion?: string;
  /** By the layer's name. */
  layers?: Record<string, string>;
}

export type Explained =
  | { name: string; explanation: Explanation; files: ExplanationFiles }
  | { name: string; error: string };

interface Decoded {
  pixels: Uint8Array;
  /** What the drawing is laid over. */
  large: Uint8Array;
}

async function decode(model: Predictor, input: PredictInput): Promise<Decoded> {
  const bytes = await input.read();
  const pixels = await model.decode(bytes);
  return { pixels, large: await model.decode(bytes, enlargementFor(model.description)) };
}

const gradCamSuffix = '-gradcam.png';

/** Draws what was found about one picture. @param stem path of the files, without what tells them apart. */
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
 * Explains pictures one after the other, in the inputs' order, and draws what was found as PNG files in `output`.
 * A file there is only replaced by a newer one of the same picture.
 * @throws {UsageError} where there is no such class. {UserError} where the folder cannot be written.
 */
export async function* explainAll(
  model: Predictor,
  inputs: AsyncIterable<PredictInput>,
  options: ExplainAllOptions,
): AsyncGenerator<Explained> {
  const { output, layers = false } = options;
  if (options.class !== undefined) classIndexOf(model.description.classes, options.class);
  await makeFolder(output).catch((error) => {
    throw new UserError(`${output} cannot be made (${reason(error)}); choose another folder with --output.`);
  });
  const names = await openOutputNames(output, gradCamSuffix);
  for await (const input of inputs) {
    const decoded = await decode(model, input).catch((error: unknown) => ({ error: reason(error) }));
    if ('error' in decoded) {
      yield { name: input.name, ...decoded };
      continue;
    }
    const explanation = await explain(model, decoded.pixels, options);
    const stem = join(output, await names.nameFor(input.name));
    const files = await draw(model, decoded, { explanation, stem, layers });
    yield { name: input.name, explanation, files };
  }
}

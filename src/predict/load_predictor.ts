import { checkTensors, readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { decodePicture } from '../images/decode.ts';
import { variablesOf } from '../layers/index.ts';
import { createModel, type ModelDescription } from '../models/model.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { createPredictor, type Predictor } from './predictor.ts';

/**
 * Loads a network from a checkpoint, a run or a checkpoints folder, with its classes and preprocessing.
 * The engine must have been started.
 * @param notice told where the first choice of a run is damaged and another is used.
 * @throws {UserError} where there is no checkpoint or it is damaged.
 * @example
 * ```ts
 * import { loadPredictor, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const predictor = await loadPredictor('checkpoints/run-001', 'newest');
 * const [probabilities] = await predictor.predict([await predictor.decode('sup.jpg')]);
 * console.log(predictor.description.classes, probabilities);
 * predictor.dispose();
 * await engine.dispose();
 * ```
 */
export async function loadPredictor(
  place: string,
  which: 'best' | 'newest' = 'best',
  notice: (text: string) => void = (text) => process.emitWarning(text),
): Promise<Predictor> {
  return restorePredictor(await readNetwork(place, which, notice));
}

/**
 * The engine must have been started.
 * @throws {UserError} where the weights are not those of the network.
 */
export function restorePredictor({ checkpoint, weights, temperature }: StoredNetwork): Predictor {
  const { model: description, preprocessing } = checkpoint.manifest;
  const model = createModel(description, { restored: new Map(weights), preprocessing });
  checkTensors(checkpoint, 'weights.bin', model.layers.flatMap(variablesOf));
  return createPredictor(model, {
    decode: decoderFor(description, preprocessing),
    fit: preprocessing.fit,
    temperature,
    checkpoint: checkpoint.folder,
  });
}

/** How a network's pictures are decoded. */
export function decoderFor(
  { width, height, channels }: ModelDescription,
  { fit }: Pick<Preprocessing, 'fit'>,
): Predictor['decode'] {
  return (picture, enlargement = 1) =>
    decodePicture(picture, { width: width * enlargement, height: height * enlargement, channels, fit });
}

import {
  type Checkpoint,
  checkTensors,
  findFirst,
  loadTensors,
  readCalibration,
} from '../checkpoints/index.ts';
import { decodePicture } from '../images/decode.ts';
import { variablesOf } from '../model_tools/index.ts';
import { createModel, type ModelDescription } from '../models/model.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { type Predictor, predictorOf } from './predictor.ts';

export { type Activation, activations, type Predictor } from './predictor.ts';

/**
 * Loads a network from a checkpoint, a run or a checkpoints folder, with its classes and preprocessing.
 * The engine must have been started.
 * @param notice told where the first choice of a run is damaged and another is used.
 * @throws {UserError} where there is no checkpoint or it is damaged.
 */
export async function loadModel(
  place: string,
  which: 'best' | 'newest' = 'best',
  notice: (text: string) => void = (text) => process.emitWarning(text),
): Promise<Predictor> {
  const load = async (checkpoint: Checkpoint) => ({
    checkpoint,
    restored: await loadTensors(checkpoint, 'weights.bin'),
  });
  const { checkpoint, restored } = await findFirst(place, which, load, notice);
  const { model: description, preprocessing } = checkpoint.manifest;
  const temperature = (await readCalibration(checkpoint.folder))?.temperature ?? 1;
  const model = createModel(description, { restored, preprocessing });
  checkTensors(checkpoint, 'weights.bin', model.layers.flatMap(variablesOf));
  return predictorOf(model, {
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

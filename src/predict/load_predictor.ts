import { checkTensors, readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { decodePicture } from '../images/decode.ts';
import { variablesOf } from '../layers/index.ts';
import { layersFor, type ModelDescription } from '../models/model.ts';
import { type Fitting, fittingOf } from '../models/preprocessing.ts';
import { createPredictor, type Predictor } from './predictor.ts';

/**
 * Loads a network with its classes and preprocessing. An engine must have been started.
 * @param place a checkpoint, a run, or a folder of runs, whose newest run is used.
 * @param which the checkpoint of a run: by validation accuracy, or the last saved.
 * @param notice called where that one is damaged and another is used. Default: a warning of the process.
 * @throws {UserError} where there is no checkpoint, or none that is intact.
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
 * The predictor of a network as it was read from a checkpoint. An engine must have been started.
 * @throws {UserError} where the names or shapes of the weights do not fit the network.
 */
export function restorePredictor({
  checkpoint,
  weights,
  temperature,
  thresholds,
  rejection,
}: StoredNetwork): Predictor {
  const { model: description, preprocessing } = checkpoint.manifest;
  const layers = layersFor(description, weights);
  checkTensors(checkpoint, 'weights.bin', layers.flatMap(variablesOf));
  return createPredictor(
    { description, layers, preprocessing, weights, rejection },
    {
      decode: decoderFor(description, preprocessing),
      ...fittingOf(preprocessing),
      temperature,
      ...(thresholds && { thresholds }),
      checkpoint: checkpoint.folder,
    },
  );
}

/** Decodes pictures as a network reads them. */
export function decoderFor(
  { width, height, channels }: ModelDescription,
  preprocessing: Fitting,
): Predictor['decode'] {
  const fitting = fittingOf(preprocessing);
  return (picture, enlargement = 1) =>
    decodePicture(picture, {
      width: width * enlargement,
      height: height * enlargement,
      channels,
      ...fitting,
    });
}

import {
  type Checkpoint,
  type CheckpointInfo,
  checkTensors,
  loadTensors,
  readTemperature,
  readThresholds,
  readUnknown,
  saveCalibration,
  saveCheckpoint,
} from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { variablesOf } from '../layers/index.ts';
import { createModel, type Model } from '../models/model.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import type { Network } from './format.ts';

/**
 * Reads the network of a checkpoint, with its temperature where it has been calibrated. An engine must be running.
 * @throws {UserError} where the checkpoint is damaged.
 * @example
 * ```ts
 * import { findCheckpoint, networkOf, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const { model, weights } = await networkOf(await findCheckpoint('checkpoints'));
 * console.log(model.classes, [...weights.keys()]);
 * await engine.dispose();
 * ```
 */
export async function networkOf(checkpoint: Checkpoint): Promise<Network> {
  const { model: description, preprocessing, files } = checkpoint.manifest;
  const values = await loadTensors(checkpoint, 'weights.bin');
  const model = createModel(description, { restored: new Map(values) });
  model.dispose();
  checkTensors(checkpoint, 'weights.bin', model.layers.flatMap(variablesOf));
  const named = files['weights.bin'].tensors.map(({ name, shape }): [string, NamedTensor] => [
    name,
    { name, shape, values: values.get(name) as Float32Array },
  ]);
  const thresholds = await readThresholds(checkpoint);
  const rejection = (await readUnknown(checkpoint))?.rejection;
  return {
    model: description,
    preprocessing,
    layers: model.layers,
    weights: new Map(named),
    temperature: await readTemperature(checkpoint.folder),
    ...(thresholds && { thresholds }),
    ...(rejection && { rejection }),
  };
}

/** A network's weights by variable name, as createModel takes them. */
export function valuesOf({ weights }: Network): Map<string, Float32Array> {
  return new Map([...weights].map(([name, { values }]) => [name, values]));
}

/** Creates a model that computes the network. An engine must be running. */
export function modelOf(network: Network): Model {
  const { model: description, preprocessing } = network;
  return createModel(description, { restored: valuesOf(network), preprocessing });
}

/**
 * Saves a network as a run's first checkpoint, for predict, evaluate and train --resume. Its step is that of the
 * optimizer that came with the network, or 0.
 * @param run the run's folder.
 * @returns the checkpoint's folder.
 * @throws {UserError} where it cannot be written.
 * @example
 * ```ts
 * import { findCheckpoint, networkOf, saveImported, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const network = await networkOf(await findCheckpoint('checkpoints'));
 * const training = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
 * console.log(await saveImported(network, 'checkpoints/copy', training));
 * await engine.dispose();
 * ```
 */
export async function saveImported(
  network: Network,
  run: string,
  {
    seed,
    batchSize,
    learningRate,
    validationSplit,
  }: Pick<Settings, 'seed' | 'batchSize' | 'learningRate' | 'validationSplit'>,
): Promise<string> {
  const info: CheckpointInfo = {
    model: network.model,
    preprocessing: network.preprocessing,
    training: { seed, batchSize, learningRate, validationSplit, dataset: '' },
    position: { step: network.optimizer?.step ?? 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 },
    metrics: {},
    ...(network.thresholds && { thresholds: network.thresholds }),
  };
  const weights = [...network.weights.values()];
  const checkpoint = await saveCheckpoint(run, info, { weights, optimizer: momentsOf(network) });
  const { temperature } = network;
  // The number of pictures that it was fitted on is not known.
  if (temperature !== 1) await saveCalibration(checkpoint, { temperature, pictures: 0 });
  return checkpoint;
}

/** Adam's two moments of each variable: those that came with the network, or zeros. */
function momentsOf({ layers, optimizer }: Network): NamedTensor[] {
  const variables = layers.flatMap((layer) => layer.variables);
  return variables.flatMap(({ name, shape }) =>
    (['m', 'v'] as const).map((moment) => ({
      name: `${name}/${moment}`,
      shape,
      values: optimizer?.[moment].get(name)?.values ?? new Float32Array(sizeOf(shape)),
    })),
  );
}

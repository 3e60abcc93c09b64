import { basename } from 'node:path';
import { findCheckpoint, readUnknown, saveUnknown } from '../checkpoints/index.ts';
import { loadTensors } from '../checkpoints/load.ts';
import type { Settings } from '../config/index.ts';
import type { Split } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import { createFoldedModel } from '../inference/model.ts';
import type { LayerSummary } from '../layers/index.ts';
import { layersFor, type Model } from '../models/model.ts';
import { batSup } from '../system/command.ts';
import { tf } from '../tensors/tf.ts';
import { percent } from '../text/format.ts';
import { featuresOf } from '../transfer/features.ts';
import { openFeatureCache } from '../transfer/open_feature_cache.ts';
import { type FittedRejection, fitRejection, picturesNeeded } from '../unknown/fit.ts';
import { chooseReferences } from '../unknown/quantise.ts';
import type { Training } from './state.ts';

/** @throws {UserError} where `--unknown` cannot be fitted after this training. */
export function checkUnknown(
  { unknown }: Settings,
  { validation }: Split,
  { layers, description }: Pick<Model, 'layers' | 'description'>,
): void {
  if (unknown === 0) return;
  if (description.isMultiLabel)
    throw new UserError(
      '--unknown is for pictures of one class each, and these can show several; leave it out.',
    );
  if (validation.length === 0)
    throw new UserError(
      '--unknown needs validation pictures, and none are held back; raise --validation-split.',
    );
  const last = layers.at(-1);
  if (last?.kind !== 'fullyConnected')
    throw new UserError(
      `--unknown needs a network whose last layer is fully connected, and ${last?.name} is not; leave it out.`,
    );
}

/** logits [pictures, classes] of features [pictures, length]. */
function logitsOf(
  features: Float32Array,
  { name, inputShape: [length = 0], outputShape: [classes = 0] }: LayerSummary,
  weights: Map<string, Float32Array>,
): Float32Array {
  const logits = tf.tidy(() => {
    const rows = tf.tensor2d(features, [features.length / length, length]);
    const product = tf.matMul(
      rows,
      tf.tensor2d(weights.get(`${name}/weights`) as Float32Array, [length, classes]),
    );
    return tf.add(product, weights.get(`${name}/biases`) ?? 0);
  });
  const values = logits.dataSync() as Float32Array;
  logits.dispose();
  return values;
}

/**
 * Fits what rejects pictures of no class to the best checkpoint of a run, and stores it there; one that is stored already for
 * the same share is kept.
 * @returns undefined where it is stored already, or the training is stopped meanwhile.
 */
export async function fitUnknown(training: Training): Promise<FittedRejection | undefined> {
  const { run, settings, dataset, split, pack, signal, events } = training;
  const checkpoint = await findCheckpoint(run, 'best');
  const stored = await readUnknown(checkpoint).catch(() => undefined);
  if (stored?.share === settings.unknown) return undefined;
  const { model: description, preprocessing } = checkpoint.manifest;
  const weights = await loadTensors(checkpoint, 'weights.bin');
  const layers = layersFor(description, weights);
  const head = layers.at(-1) as LayerSummary;
  const [layer, length] = [head.inputs[0] as string, head.inputShape[0] as number];
  const source = {
    weights,
    head: head.name,
    preprocessing: training.model.preprocessing,
    size: description,
    layer,
  };
  const { cache } = openFeatureCache(source, length, (text) => events.notice?.(text));
  const backbone = createFoldedModel({ layers, weights });
  const input = { description: { ...description, layers }, preprocessing };
  const onProgress = (done: number, total: number) => events.features?.(done, total);
  const extract = (indexes: number[]) =>
    featuresOf({ pack, dataset, indexes, backbone, layer, length, input, cache, onProgress, signal });
  try {
    const references = chooseReferences(split.train, length, settings.seed);
    const train = await extract(references);
    // A part of many pictures is enough to choose the limit by.
    const judged = chooseReferences(split.validation, length, settings.seed);
    const validation = train && (await extract(judged));
    if (!validation) {
      events.notice?.(
        `Stopped before what is unknown was fitted; "${batSup(`train --resume --run ${basename(run)}`)}" does it.`,
      );
      return undefined;
    }
    const labelsAt = (indexes: number[]) => indexes.map((index) => dataset.pictures[index]?.label as number);
    const fitted = fitRejection({
      length,
      classes: description.classes.length,
      train: { features: train, labels: labelsAt(references) },
      validation: {
        features: validation,
        labels: labelsAt(judged),
        logits: logitsOf(validation, head, weights),
      },
      share: settings.unknown,
    });
    const needed = picturesNeeded(settings.unknown);
    if (judged.length < needed)
      events.notice?.(
        `${judged.length} validation pictures are few to choose from what is unknown; with ${needed} or more ` +
          `at most ${percent(settings.unknown)} of known ones are rejected on average.`,
      );
    await saveUnknown(checkpoint, fitted, { layer, share: settings.unknown });
    return fitted;
  } finally {
    backbone.dispose();
    await cache.close();
  }
}

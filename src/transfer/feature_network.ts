import { ensureBackbone } from '../backbones/index.ts';
import { defaultBackbone } from '../backbones/names.ts';
import { readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { reason, UserError } from '../errors.ts';
import { createFoldedModel } from '../inference/model.ts';
import type { LayerSummary } from '../layers/index.ts';
import { layersFor } from '../models/model.ts';
import { planLayers } from '../models/plan.ts';
import { normalisationOf } from '../models/preprocessing.ts';
import { toPictures } from '../models/to_pictures.ts';
import { decoderFor } from '../predict/load_predictor.ts';
import { concatenate } from '../tensors/bytes.ts';
import { sizeOf } from '../tensors/shape.ts';
import { tf } from '../tensors/tf.ts';
import type { FeatureCache } from './feature_cache.ts';
import { withLinearHead } from './head.ts';
import type { Start } from './new_head.ts';
import { openFeatureCache } from './open_feature_cache.ts';

/** Computes features of decoded pictures: what a network's last layer reads. */
export interface FeatureNetwork {
  /** Numbers per picture. */
  length: number;
  /** Changes with whatever features depend on but the engine, which changes their last digits alone. */
  key: string;
  cache: FeatureCache;
  /** Decodes a picture, bytes or a path, as the network reads it: uint8 [height, width, channels]. */
  decode(picture: Buffer | string): Promise<Uint8Array>;
  /** @returns float32 [pictures, length] */
  features(pictures: Uint8Array[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** A network on an engine that was started for it. */
export interface StartedFeatureNetwork {
  network: FeatureNetwork;
  /** Ends the engine, too. */
  close(): Promise<void>;
}

/** Starts the engine that computes so many pictures soonest, and a network on it. */
export type StartFeatureNetwork = (pictures: number) => Promise<StartedFeatureNetwork>;

function trained({ checkpoint, weights }: StoredNetwork): Start {
  const { model, preprocessing } = checkpoint.manifest;
  return { description: { ...model, layers: layersFor(model, weights) }, weights, preprocessing };
}

async function backbone(notice: (text: string) => void): Promise<Start> {
  const { model, layers, weights, preprocessing } = await ensureBackbone(defaultBackbone, notice);
  const values = new Map([...weights].map(([name, tensor]) => [name, tensor.values]));
  return { description: { ...model, layers }, weights: values, preprocessing };
}

/**
 * Reads the network that features come from: the one in `place`, or the pre-trained default, which is fetched if need be;
 * where that cannot be had, the newest run's, with one line.
 * @throws {UserError} where there is none.
 */
export async function chooseFeatureNetwork(
  { place, checkpoints }: { place: string | undefined; checkpoints: string },
  notice: (text: string) => void,
): Promise<Start> {
  if (place !== undefined) return trained(await readNetwork(place, 'best', notice));
  try {
    return await backbone(notice);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const own = await readNetwork(checkpoints, 'best', notice).catch(() => undefined);
    if (!own)
      throw new UserError(
        `${reason(error).replace(/\.$/, '')}; or train a network first, whose features are used then.`,
      );
    notice(
      `Without ${defaultBackbone} (${reason(error)}) the features are those of ${own.checkpoint.folder}, which know less.`,
    );
    return trained(own);
  }
}

/** An engine must be running. @param notice called once where features cannot be stored. */
export function openFeatureNetwork(
  { description, weights: own, preprocessing }: Start,
  notice: (text: string) => void,
): FeatureNetwork {
  // A network that ends in a convolution for each class has its features before that.
  const linear = withLinearHead({ layers: description.layers ?? [], weights: own });
  const { layers } = planLayers(linear.layers, description);
  const { weights } = linear;
  const head = layers.at(-1) as LayerSummary;
  const folded = createFoldedModel({ layers, weights });
  const input = { description: { ...description, layers }, preprocessing: normalisationOf(preprocessing) };
  const length = sizeOf(head.inputShape);
  const layer = head.inputs[0] as string;
  const source = { weights, head: head.name, preprocessing, size: description, layer };
  const { cache, key } = openFeatureCache(source, length, notice);
  return {
    length,
    key,
    cache,
    decode: decoderFor(description, preprocessing),
    async features(pictures) {
      if (pictures.length === 0) return new Float32Array();
      const output = tf.tidy(() => folded.forward(toPictures(concatenate(pictures), input), layer));
      const values = (await output.data()) as Float32Array;
      output.dispose();
      return values;
    },
    async dispose() {
      folded.dispose();
      await cache.close();
    },
  };
}

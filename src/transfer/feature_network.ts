import { createHash } from 'node:crypto';
import { backboneFolder, ensureBackbone } from '../backbones/index.ts';
import { defaultBackbone } from '../backbones/names.ts';
import { readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { reason, UserError } from '../errors.ts';
import { createFoldedModel } from '../inference/model.ts';
import type { LayerSummary } from '../layers/index.ts';
import { layersFor } from '../models/model.ts';
import { normalisationOf } from '../models/preprocessing.ts';
import { toPictures } from '../models/to_pictures.ts';
import { decoderFor } from '../predict/load_predictor.ts';
import { concatenate } from '../tensors/bytes.ts';
import { tf } from '../tensors/tf.ts';
import type { FeatureCache } from './feature_cache.ts';
import { openFeatureCache } from './open_feature_cache.ts';

/** Computes features of decoded pictures: what a network's last layer reads. */
export interface FeatureNetwork {
  /** The checkpoint's folder. */
  checkpoint: string;
  /** Numbers per picture. */
  length: number;
  /** Changes with whatever features depend on. */
  key: string;
  cache: FeatureCache;
  /** Decodes a picture, bytes or a path, as the network reads it: uint8 [height, width, channels]. */
  decode(picture: Buffer | string): Promise<Uint8Array>;
  /** @returns float32 [pictures, length] */
  features(pictures: Uint8Array[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * Reads the network that features come from: the one in `place`, or the pre-trained default, which is fetched if need be;
 * where that cannot be had, the newest run's, with one line.
 * @throws {UserError} where there is none.
 */
export async function chooseFeatureNetwork(
  { place, checkpoints }: { place: string | undefined; checkpoints: string },
  notice: (text: string) => void,
): Promise<StoredNetwork> {
  if (place !== undefined) return readNetwork(place, 'best', notice);
  try {
    await ensureBackbone(defaultBackbone, notice);
    return await readNetwork(backboneFolder(defaultBackbone), 'newest', notice);
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
    return own;
  }
}

/** An engine must be running. @param notice called once where features cannot be stored. */
export function openFeatureNetwork(stored: StoredNetwork, notice: (text: string) => void): FeatureNetwork {
  const { checkpoint, weights } = stored;
  const { model, preprocessing, files } = checkpoint.manifest;
  const layers = layersFor(model, weights);
  const head = layers.at(-1) as LayerSummary;
  const folded = createFoldedModel({ layers, weights });
  const input = { description: { ...model, layers }, preprocessing: normalisationOf(preprocessing) };
  const length = head.inputShape[0] as number;
  const layer = head.inputs[0] as string;
  // Hashing the weights themselves takes longer than a search.
  const digest = createHash('sha256').update(`files ${files['weights.bin'].sha256}`).digest('hex');
  const source = { weights: digest, preprocessing, size: model, layer };
  const { cache, key } = openFeatureCache(source, length, notice);
  return {
    checkpoint: checkpoint.folder,
    length,
    key,
    cache,
    decode: decoderFor(model, preprocessing),
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

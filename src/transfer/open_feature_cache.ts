import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { usesRelaxedSimd } from '../engine/wasm/relaxed_simd.ts';
import { cacheFolder } from '../system/cache.ts';
import { packageVersion } from '../system/version.ts';
import { tf } from '../tensors/tf.ts';
import { FeatureCache, type FeatureSource, featureKey } from './feature_cache.ts';

/** Bump when the same pictures get other features: they are cached. */
const kernels = '1';

/** What the last digits of a feature depend on: processors and hosts round differently. */
function computedBy(): string {
  const parts = [tf.getBackend(), usesRelaxedSimd() ? 'fused' : '', cpus()[0]?.model ?? '', packageVersion()];
  return parts.join(' ');
}

/** What the features of a network depend on: its weights but those of its last layer, and how it reads pictures. */
export interface NetworkFeatures extends Pick<FeatureSource, 'preprocessing' | 'size' | 'layer'> {
  weights: ReadonlyMap<string, Float32Array>;
  /** Name of the last layer. */
  head: string;
}

/** SHA-256 of the weights that features depend on. */
function digestOf({ weights, head }: NetworkFeatures): string {
  const hash = createHash('sha256');
  for (const [name, { buffer, byteOffset, byteLength }] of weights)
    if (!name.startsWith(`${head}/`))
      hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

/**
 * Opens the cache of features that the running engine computes.
 * @returns it, and a key of the network and of this version, which does not depend on the engine.
 * @param length numbers per row.
 * @param notice called once, with one line, where nothing can be stored any more.
 */
export function openFeatureCache(
  network: NetworkFeatures,
  length: number,
  notice: (line: string) => void,
): { cache: FeatureCache; key: string } {
  const { preprocessing, size, layer } = network;
  const weights = digestOf(network);
  const source = { weights, preprocessing, size, layer, kernels };
  const key = featureKey({ ...source, engine: computedBy() });
  return {
    key: featureKey({ ...source, engine: packageVersion() }),
    cache: new FeatureCache({ folder: join(cacheFolder(), 'features'), key, length, notice }),
  };
}

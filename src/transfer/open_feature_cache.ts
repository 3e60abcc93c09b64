import { cpus } from 'node:os';
import { join } from 'node:path';
import { hasRelaxedSimd } from '../engine/wasm/relaxed_simd.ts';
import { cacheFolder } from '../system/cache.ts';
import { packageVersion } from '../system/version.ts';
import { tf } from '../tensors/tf.ts';
import { FeatureCache, type FeatureSource, featureKey } from './feature_cache.ts';

/** Bump when the same pictures get other features: they are cached. */
const kernels = '1';

/** What the last digits of a feature depend on: processors and hosts round differently. */
function computedBy(): string {
  const parts = [tf.getBackend(), hasRelaxedSimd() ? 'fused' : '', cpus()[0]?.model ?? '', packageVersion()];
  return parts.join(' ');
}

/**
 * Opens the cache of features that the running engine computes.
 * @param length numbers per row.
 * @param notice called once, with one line, where nothing can be stored any more.
 */
export function openFeatureCache(
  source: Omit<FeatureSource, 'engine' | 'kernels'>,
  length: number,
  notice: (line: string) => void,
): { cache: FeatureCache; key: string } {
  const key = featureKey({ ...source, engine: computedBy(), kernels });
  return { key, cache: new FeatureCache({ folder: join(cacheFolder(), 'features'), key, length, notice }) };
}

import { shareOf } from '../../cluster/index.ts';
import { createFoldedModel } from '../../inference/model.ts';
import { featuresOf } from '../../transfer/features.ts';
import { openFeatureCache } from '../../transfer/open_feature_cache.ts';
import { allVariables } from '../records.ts';
import { type HeadTraining, isStopped } from '../state.ts';
import { headOf } from './linear_head.ts';

/** Computes features of pictures, or reads them from the cache. */
export interface Extractor {
  /** @returns float32 [indexes, length]; undefined where the training is stopped. */
  extract(indexes: number[]): Promise<Float32Array | undefined>;
  close(): Promise<void>;
}

/** What computes the features of this process. */
export function openExtractor({ model, pack, dataset, signal, events }: HeadTraining): Extractor {
  const { name, layer, length } = headOf(model);
  const { description, preprocessing } = model;
  const variables = [...allVariables(model)];
  const weights = new Map(variables.map(([name, variable]) => [name, variable.dataSync() as Float32Array]));
  const backbone = createFoldedModel({ layers: model.layers, weights });
  const source = { weights, head: name, preprocessing, size: description, layer };
  const { cache } = openFeatureCache(source, length, (text) => events.notice?.(text));
  const input = { description, preprocessing };
  const onProgress = (done: number, total: number) => events.features?.(done, total);
  const parts = { pack, dataset, backbone, layer, length, input, cache, signal, onProgress };
  return {
    extract: (indexes) => featuresOf({ ...parts, indexes }),
    async close() {
      backbone.dispose();
      await cache.close();
    },
  };
}

/**
 * The features of pictures, whose computation all ranks share.
 * @returns float32 [indexes, length] on rank 0; undefined on the others, and where the training is stopped.
 */
export async function extractOnRanks(
  training: HeadTraining,
  extractor: Extractor,
  indexes: number[],
): Promise<Float32Array | undefined> {
  const { rank, exchange, signal } = training;
  const mine = await extractor.extract(shareOf(indexes, rank));
  if (!exchange) return mine;
  await exchange.sum([], signal?.aborted === true);
  if (isStopped(training)) return undefined;
  const shares = await exchange.world.gather(mine as Float32Array);
  return shares && joinRows(shares, indexes.length);
}

/** Puts the rows of pictures that were dealt out to ranks back in their order. */
export function joinRows(shares: Float32Array[], pictures: number): Float32Array {
  const all = new Float32Array(shares.reduce((sum, { length }) => sum + length, 0));
  const size = all.length / Math.max(pictures, 1);
  for (let picture = 0; picture < pictures; picture++) {
    const from = Math.floor(picture / shares.length) * size;
    const share = shares[picture % shares.length] as Float32Array;
    all.set(share.subarray(from, from + size), picture * size);
  }
  return all;
}

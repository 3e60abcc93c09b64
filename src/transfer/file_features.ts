import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { mapConcurrently } from '../async/concurrency.ts';
import { mapBatchesAhead } from '../async/in_batches.ts';
import { reason } from '../errors.ts';
import { changeTime } from '../system/change_time.ts';
import type { FeatureNetwork } from './feature_network.ts';
import { featureRows } from './feature_rows.ts';

/** Features of the files that could be read. */
export interface FileFeatures {
  /** Indices of the files that could be read, in their order. */
  read: number[];
  /** float32 [read.length, length] */
  features: Float32Array;
  /** Why a file could not be read, by its index. */
  failures: Map<number, string>;
}

export interface FileFeatureOptions {
  signal?: AbortSignal | undefined;
  /** Called with the files that are done, of all. */
  onProgress?: (done: number, total: number) => void;
}

/** Pictures per forward pass. A picture's features do not depend on it. */
const batchSize = 16;
/** Batches that are decoded while one is computed. */
const batchesAhead = 2;
const filesAtOnce = 64;

/**
 * The id of a file's features: of where it lies, its size and when it was changed, so that a file whose features are stored need not
 * be read.
 */
async function idOf(file: string): Promise<Buffer> {
  const [path, found] = await Promise.all([realpath(file), stat(file)]);
  return createHash('sha256')
    .update(`${path}\0${found.size}\0${changeTime(found)}`)
    .digest();
}

/** What has become of a file: its id, or why it cannot be read. */
type Identified = { id: Buffer } | { failure: string };

async function identify(files: readonly string[]): Promise<Identified[]> {
  return mapConcurrently(files, filesAtOnce, async (file) => {
    try {
      return { id: await idOf(file) };
    } catch (error) {
      return { failure: reason(error) };
    }
  });
}

interface Decoded {
  index: number;
  result: Uint8Array | string;
}

/**
 * Features of pictures in files: from the cache, or computed and stored there.
 * @returns undefined where the signal ended it. What was computed until then is stored.
 */
export async function featuresOfFiles(
  files: readonly string[],
  network: FeatureNetwork,
  { signal, onProgress }: FileFeatureOptions = {},
): Promise<FileFeatures | undefined> {
  const { length, cache } = network;
  const identified = await identify(files);
  const failures = new Map<number, string>();
  const ids = identified.map((one) => ('id' in one ? one.id : Buffer.alloc(0)));
  const all = featureRows(files.length, length);
  const found = await cache.read(ids, all);
  for (const [index, one] of identified.entries()) if ('failure' in one) failures.set(index, one.failure);
  const missing = [...files.keys()].filter((index) => found[index] === 0 && !failures.has(index));
  let done = files.length - missing.length;
  onProgress?.(done, files.length);
  const decode = async (index: number): Promise<Decoded> => {
    try {
      return { index, result: await network.decode(files[index] as string) };
    } catch (error) {
      return { index, result: reason(error) };
    }
  };
  const batches = mapBatchesAhead(missing, { size: batchSize, ahead: batchesAhead }, decode);
  for await (const batch of batches) {
    if (signal?.aborted) return undefined;
    const readable = batch.filter(({ result }) => typeof result !== 'string');
    const rows = await network.features(readable.map(({ result }) => result as Uint8Array));
    for (const [row, { index }] of readable.entries()) {
      const own = rows.subarray(row * length, (row + 1) * length);
      all.set(own, index * length);
      cache.add(ids[index] as Buffer, own);
    }
    for (const { index, result } of batch) if (typeof result === 'string') failures.set(index, result);
    done += batch.length;
    onProgress?.(done, files.length);
  }
  if (failures.size === 0) return { read: [...files.keys()], features: all, failures };
  const read = [...files.keys()].filter((index) => !failures.has(index));
  const features = new Float32Array(read.length * length);
  for (const [row, index] of read.entries())
    features.set(all.subarray(index * length, (index + 1) * length), row * length);
  return { read, features, failures };
}

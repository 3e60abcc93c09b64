import { batches } from '../dataset/batches.ts';
import type { Pack } from '../dataset/pack.ts';
import type { Dataset } from '../dataset/scan.ts';
import type { FoldedModel } from '../inference/model.ts';
import type { Model } from '../models/model.ts';
import { toPictures } from '../models/to_pictures.ts';
import { tf } from '../tensors/tf.ts';
import { type FeatureCache, featureId } from './feature_cache.ts';
import { featureRows } from './feature_rows.ts';

/** Pictures whose features are wanted, and what computes them. */
export interface FeatureRequest {
  pack: Pack;
  dataset: Dataset;
  /** Indices of the pictures. */
  indexes: number[];
  /** The network without its last layer. */
  backbone: FoldedModel;
  /** The layer whose output the features are, and how many numbers that has. */
  layer: string;
  length: number;
  /** Sizes and preprocessing of the backbone's input. */
  input: Pick<Model, 'description' | 'preprocessing'>;
  cache: FeatureCache;
  /** Called with the pictures that are done, of all. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

/** Pictures per forward pass. A picture's features do not depend on it. */
const batchSize = 16;

async function idsOf({ pack, dataset, indexes }: FeatureRequest): Promise<Buffer[]> {
  const ids: Buffer[] = [];
  for await (const { pixels } of batches(pack, dataset.pictures, indexes, batchSize))
    for (let at = 0; at < pixels.length; at += pack.pictureBytes)
      ids.push(featureId(pixels.subarray(at, at + pack.pictureBytes)));
  return ids;
}

/** Features of pictures, float32 [pictures, length]; rows that are not found are zeros. */
interface Rows {
  features: Float32Array;
  /** For each row 0 or 1. */
  found: Uint8Array;
}

/** What the cache has. Where it is empty, no picture is read for its id alone. */
async function readRows(request: FeatureRequest): Promise<Rows> {
  const { cache, indexes, length } = request;
  const features = featureRows(indexes.length, length);
  const found = (await cache.isEmpty())
    ? new Uint8Array(indexes.length)
    : await cache.read(await idsOf(request), features);
  return { features, found };
}

/** Computes the rows that were not found, and adds them to the cache. */
async function compute(request: FeatureRequest, { features, found }: Rows): Promise<void> {
  const { pack, dataset, indexes, backbone, layer, length, input, cache, signal, onProgress } = request;
  const missing = [...found.keys()].filter((row) => found[row] === 0);
  const pictures = missing.map((row) => indexes[row] as number);
  let done = indexes.length - missing.length;
  onProgress?.(done, indexes.length);
  const rows = missing.values();
  for await (const { pixels, labels } of batches(pack, dataset.pictures, pictures, batchSize)) {
    if (signal?.aborted) return;
    const output = tf.tidy(() => backbone.forward(toPictures(pixels, input), layer));
    const values = (await output.data()) as Float32Array;
    output.dispose();
    for (let picture = 0; picture < labels.length; picture++) {
      const own = values.subarray(picture * length, (picture + 1) * length);
      features.set(own, (rows.next().value as number) * length);
      const at = picture * pack.pictureBytes;
      cache.add(featureId(pixels.subarray(at, at + pack.pictureBytes)), own);
    }
    done += labels.length;
    onProgress?.(done, indexes.length);
  }
}

/**
 * The backbone's output for each picture: from the cache, or computed and stored there.
 * @returns float32 [pictures, length]; undefined where the signal ended it. What was computed until then is stored.
 */
export async function featuresOf(request: FeatureRequest): Promise<Float32Array | undefined> {
  const rows = await readRows(request);
  await compute(request, rows);
  return request.signal?.aborted ? undefined : rows.features;
}

import { featureId } from '../../src/transfer/feature_cache.ts';

/** The id of a made-up row. */
export function idOf(row: number): Buffer {
  return featureId(Buffer.from(`picture ${row}`));
}

/** Its features: float32 [length]. */
export function rowOf(row: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, j) => Math.sin(row * 1.7 + j));
}

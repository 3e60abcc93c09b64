import { dirname } from 'node:path';
import { syncFolder, writeDurably } from '../../../system/files.ts';
import { maskedCrc32c } from '../crc32c.ts';
import { bundleEntries, bundleHeaders } from '../protos.ts';
import { writeTable } from './table.ts';

/** A tensor as a bundle holds it. */
export interface StoredTensor {
  name: string;
  shape: number[];
  /** One of dataTypes. */
  type: number;
  /** Little-endian. */
  bytes: Uint8Array;
}

/**
 * Writes tensors as a bundle, <prefix>.index and <prefix>.data-00000-of-00001
 * (tensorflow/core/util/tensor_bundle: keys sorted, the header under the empty one; the data in the same order).
 */
export async function writeBundle(prefix: string, tensors: StoredTensor[]): Promise<void> {
  const sorted = [...tensors].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const header = { num_shards: 1, endianness: 0, version: { producer: 1, min_consumer: 0 } };
  const values = new Map([['', bundleHeaders.encode(header)]]);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const { name, shape, type, bytes } of sorted) {
    const entry = {
      dtype: type,
      shape: { dim: shape.map((size) => ({ size })) },
      shard_id: 0,
      offset,
      size: bytes.length,
      crc32c: maskedCrc32c(bytes),
      slices: [],
    };
    values.set(name, bundleEntries.encode(entry));
    parts.push(bytes);
    offset += bytes.length;
  }
  await writeDurably(`${prefix}.data-00000-of-00001`, parts);
  await writeDurably(`${prefix}.index`, writeTable(values));
  await syncFolder(dirname(prefix));
}

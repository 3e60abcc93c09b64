import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A weight of a model of TensorFlow.js, with its values as floats. */
export interface ModelWeight {
  name: string;
  shape: number[];
  values: number[];
  /** Stored as this type; default: floats. */
  as?: 'int32' | 'float16' | 'uint8' | 'uint16';
}

const maxima = { uint8: 255, uint16: 65_535 };

function stored({ values, as }: ModelWeight): { bytes: Uint8Array; entry: object } {
  const bytes = (list: Float32Array | Int32Array | Uint8Array | Uint16Array) => new Uint8Array(list.buffer);
  if (as === undefined) return { bytes: bytes(Float32Array.from(values)), entry: { dtype: 'float32' } };
  if (as === 'int32') return { bytes: bytes(Int32Array.from(values)), entry: { dtype: 'int32' } };
  if (as === 'float16') throw new Error('not needed');
  const min = Math.min(...values);
  const scale = (Math.max(...values) - min) / maxima[as] || 1;
  const steps = values.map((value) => Math.round((value - min) / scale));
  const list = as === 'uint8' ? Uint8Array.from(steps) : Uint16Array.from(steps);
  const quantization = { dtype: as, scale, min, original_dtype: 'float32' };
  return { bytes: bytes(list), entry: { dtype: 'float32', quantization } };
}

/**
 * Writes a folder with model.json and its weights, in shards of so many bytes.
 * @param json what model.json holds besides the manifest.
 */
export function writeTfjs(folder: string, json: object, weights: ModelWeight[], shardBytes = 1000): void {
  mkdirSync(folder, { recursive: true });
  const all = weights.map((weight) => ({ weight, ...stored(weight) }));
  const data = Buffer.concat(all.map(({ bytes }) => bytes));
  const count = Math.ceil(data.length / shardBytes) || 1;
  const paths = Array.from({ length: count }, (_, index) => `group1-shard${index + 1}of${count}.bin`);
  for (const [index, path] of paths.entries())
    writeFileSync(join(folder, path), data.subarray(index * shardBytes, (index + 1) * shardBytes));
  const entries = all.map(({ weight: { name, shape }, entry }) => ({ name, shape, ...entry }));
  const weightsManifest = [{ paths, weights: entries }];
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...json, weightsManifest }));
}

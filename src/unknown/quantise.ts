import { shuffle } from '../dataset/shuffle.ts';
import type { QuantisedRows } from './references.ts';

/** With 1,280 numbers each so many rows take 2.6 MB; comparing with them takes a few percent of EfficientNet-Lite0's time. */
const maxRows = 2048;
const maxBytes = 2 ** 23;

/** The pictures whose features are used: all, or a random part where there are many, whatever their number takes. */
export function chooseReferences(indexes: number[], length: number, seed: number): number[] {
  const count = Math.min(maxRows, Math.max(1, Math.floor(maxBytes / length)));
  if (indexes.length <= count) return indexes;
  return shuffle(indexes, `${seed}/references`).slice(0, count);
}

/** @param features float32 [rows, length] */
export function quantise(features: Float32Array, length: number): QuantisedRows {
  const rows = new Int8Array(features.length);
  for (let start = 0; start < rows.length; start += length) {
    const row = features.subarray(start, start + length);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (largest === 0) continue;
    for (const [at, value] of row.entries()) rows[start + at] = Math.round((value / largest) * 127);
  }
  return { rows, length };
}

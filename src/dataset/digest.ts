import { createHash } from 'node:crypto';
import type { Dataset } from './scan.ts';
import type { Split } from './split.ts';

/** What a position within an epoch means depends on: which pictures, how split, how many a batch. */
export function digestOf(dataset: Dataset, split: Split, batchSize: number): string {
  const pictures = dataset.pictures.map(({ file, label }) => [file, label]);
  return createHash('sha256')
    .update(JSON.stringify([pictures, split, batchSize]))
    .digest('hex');
}

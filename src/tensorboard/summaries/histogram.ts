import { dataClass, numbersTensor, summaryValue } from '../summary.ts';

const buckets = 30;

/** Least and greatest of the finite values; undefined where there is none. */
function rangeOf(values: Float32Array): { least: number; greatest: number } | undefined {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return least <= greatest ? { least, greatest } : undefined;
}

/**
 * [30, 3]: left edge, right edge and count of buckets of one width; where all values are the same, the last bucket
 * has them. Values that are no finite numbers are left out.
 */
function bucketsOf(values: Float32Array, weight: number): Float64Array {
  const table = new Float64Array(buckets * 3);
  const range = rangeOf(values);
  if (!range) return table;
  const { least, greatest } = range;
  const width = (greatest - least) / buckets;
  const counts = new Float64Array(buckets);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    const bucket = width > 0 ? Math.min(Math.floor((value - least) / width), buckets - 1) : buckets - 1;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  for (let bucket = 0; bucket < buckets; bucket++) {
    const right = bucket === buckets - 1 ? greatest : least + (bucket + 1) * width;
    table.set([least + bucket * width, right, (counts[bucket] as number) * weight], bucket * 3);
  }
  return table;
}

/**
 * Summary of how values are distributed, for the dashboards Histograms and Distributions
 * (tensorboard/plugins/histogram/summary_v2.py).
 * @param size of the whole that the values are a sample of; the counts are scaled to it.
 */
export function histogramSummary(tag: string, values: Float32Array, size = values.length): Buffer {
  const table = bucketsOf(values, size / Math.max(values.length, 1));
  const description = size > values.length ? `A sample of ${values.length} of ${size} values.` : '';
  const dashboard = { plugin: 'histograms', dataClass: dataClass.tensor };
  return summaryValue(tag, numbersTensor([buckets, 3], table), dashboard, description);
}

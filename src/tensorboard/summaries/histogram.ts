import { dataClass, numbersTensor, summaryValue } from '../summary.ts';

const buckets = 30;

/** The range of the finite values; undefined where there are none. */
function rangeOf(values: Float32Array): { min: number; max: number } | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? { min, max } : undefined;
}

/**
 * [30, 3]: left edge, right edge and count of buckets of equal width. If all values are equal, they are in the last
 * bucket. Values that are not finite are left out.
 * @param weight that each value counts as.
 */
function bucketsOf(values: Float32Array, weight: number): Float64Array {
  const table = new Float64Array(buckets * 3);
  const range = rangeOf(values);
  if (!range) return table;
  const { min, max } = range;
  const width = (max - min) / buckets;
  const counts = new Float64Array(buckets);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    const bucket = width > 0 ? Math.min(Math.floor((value - min) / width), buckets - 1) : buckets - 1;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  for (let bucket = 0; bucket < buckets; bucket++) {
    const right = bucket === buckets - 1 ? max : min + (bucket + 1) * width;
    table.set([min + bucket * width, right, (counts[bucket] as number) * weight], bucket * 3);
  }
  return table;
}

/**
 * A histogram, for the dashboards Histograms and Distributions (tensorboard/plugins/histogram/summary_v2.py).
 * @param size how many values there are in all, if `values` is a sample of them; the counts are scaled accordingly.
 */
export function histogramSummary(tag: string, values: Float32Array, size = values.length): Buffer {
  const table = bucketsOf(values, size / Math.max(values.length, 1));
  const description = size > values.length ? `A sample of ${values.length} of ${size} values.` : '';
  const dashboard = { plugin: 'histograms', dataClass: dataClass.tensor };
  return summaryValue(tag, numbersTensor([buckets, 3], table), dashboard, description);
}

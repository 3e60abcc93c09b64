import * as proto from '../protobuf.ts';
import { dataClass, numbersTensor, summaryValue } from '../summary.ts';

/** Evenly spaced from 0 to 1. */
const thresholds = 101;

/** Cumulative counts: of each bucket and all above it. */
function countsFrom(buckets: Float64Array): Float64Array {
  const counts = Float64Array.from(buckets);
  for (let i = thresholds - 2; i >= 0; i--) counts[i] = (counts[i] as number) + (counts[i + 1] as number);
  return counts;
}

/**
 * [6, thresholds]: true positives, false positives, true negatives, false negatives, precision and recall. Probabilities
 * at or above a threshold are predicted as positive.
 */
function curve(probabilities: number[], isPositive: boolean[]): Float32Array {
  const buckets = { positive: new Float64Array(thresholds), negative: new Float64Array(thresholds) };
  for (const [index, probability] of probabilities.entries()) {
    const counts = isPositive[index] ? buckets.positive : buckets.negative;
    const bucket = Math.floor(Math.min(Math.max(probability, 0), 1) * (thresholds - 1));
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  const [truePositives, falsePositives] = [countsFrom(buckets.positive), countsFrom(buckets.negative)];
  const positives = truePositives[0] as number;
  const negatives = falsePositives[0] as number;
  const table = new Float32Array(6 * thresholds);
  for (let i = 0; i < thresholds; i++) {
    const tp = truePositives[i] as number;
    const fp = falsePositives[i] as number;
    const precision = tp / Math.max(tp + fp, 1e-7);
    const recall = tp / Math.max(positives, 1e-7);
    const column = [tp, fp, negatives - fp, positives - tp, precision, recall];
    for (const [row, value] of column.entries()) table[row * thresholds + i] = value;
  }
  return table;
}

/**
 * Precision and recall at 101 thresholds (tensorboard/plugins/pr_curve/summary.py; its plugin_data.proto
 * has num_thresholds = 2).
 * @param probabilities [pictures], of the class, 0 to 1.
 * @param isPositive [pictures], whether each shows the class.
 */
export function prCurveSummary(tag: string, probabilities: number[], isPositive: boolean[]): Buffer {
  const content = proto.varint(2, thresholds);
  const dashboard = { plugin: 'pr_curves', dataClass: dataClass.tensor, content };
  return summaryValue(tag, numbersTensor([6, thresholds], curve(probabilities, isPositive)), dashboard);
}

import type { Metrics } from './manifest.ts';

/**
 * For sort(), the better first: the higher validation accuracy, with --multi-label the higher mean average precision, and of
 * equals the lower validation loss.
 */
export function compareMetrics(a: Metrics, b: Metrics): number {
  const accuracy = ({ validationMeanPrecision, validationAccuracy }: Metrics) =>
    validationMeanPrecision ?? validationAccuracy ?? 0;
  const loss = (metrics: Metrics) => metrics.validationLoss ?? Number.MAX_VALUE;
  return accuracy(b) - accuracy(a) || loss(a) - loss(b);
}

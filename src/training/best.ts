import { compareMetrics } from '../checkpoints/index.ts';
import { hasFrozen, hasStart } from '../config/pretrained.ts';
import type { Training } from './state.ts';

/**
 * The standard error of an accuracy.
 * @param accuracy 0 to 1.
 * @param pictures that it was measured on.
 */
function standardError(accuracy: number, pictures: number): number {
  return Math.sqrt((accuracy * (1 - accuracy)) / pictures);
}

/**
 * Whether the epoch that has just ended is the best so far: by validation accuracy, and of equals by loss.
 *
 * Fine-tuning helps nearly always, and few validation pictures cannot see it: their accuracy rises and falls by chance.
 * So its last epoch is the best unless its accuracy is lower than that of the head before by more than a standard error;
 * epochs in the middle are not compared, unless to stop early.
 */
export function isBest({
  metrics,
  best,
  position,
  settings,
  split,
}: Pick<Training, 'metrics' | 'best' | 'position' | 'settings' | 'split'>): boolean {
  const accuracy = metrics.validationAccuracy;
  if (accuracy === undefined) return false;
  const isFineTuned = hasStart(settings) && !hasFrozen(settings);
  if (!isFineTuned || settings.earlyStopping > 0) return !best || compareMetrics(metrics, best.metrics) < 0;
  if (position.epoch < settings.epochs) return false;
  const before = best?.metrics.validationAccuracy ?? 0;
  return accuracy >= before - standardError(before, split.validation.length);
}

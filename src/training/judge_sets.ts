import type { Metrics } from '../checkpoints/index.ts';
import { meanAveragePrecision, scoresByClass } from '../evaluation/multi_label/scores.ts';
import { bestThresholds } from '../evaluation/multi_label/thresholds.ts';
import type { Training } from './state.ts';

/**
 * What a validation of pictures that can show several classes adds to loss and accuracy; the thresholds go into the next
 * checkpoint.
 * @param logits [validation pictures, classes] of all ranks; on rank 0.
 */
export function judgeSets(
  training: Pick<Training, 'dataset' | 'split' | 'thresholds'>,
  logits: Float32Array,
): Pick<Metrics, 'validationMeanPrecision'> {
  const { dataset, split } = training;
  const labelSets = split.validation.map((index) => dataset.pictures[index]?.labels ?? []);
  const scores = scoresByClass(logits, labelSets, dataset.classes.length);
  training.thresholds = bestThresholds(scores);
  return { validationMeanPrecision: meanAveragePrecision(scores) ?? 0 };
}

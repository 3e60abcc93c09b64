import type { CheckpointInfo, Metrics } from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { hasStart, isHeadOnly, type StartSettings } from '../config/pretrained.ts';

/** How a training went. */
export interface TrainingOutcome {
  settings: Pick<Settings, 'recipe' | 'augment' | 'epochs'> & StartSettings;
  /** Those of the last complete epoch. */
  metrics: Metrics;
  best: CheckpointInfo['best'];
  epoch: number;
}

/** A training accuracy this far above the validation accuracy is taken as overfitting. */
const overfittingGap = 0.15;

/** A suggestion for a better network: a flag for the next training, and why. */
export interface Advice {
  /** A flag with its value. */
  flag: string;
  why: string;
  /** Whether the flag goes with --resume; otherwise with a new training. */
  continues?: true;
}

const fineTuning: Advice = {
  flag: '--fine-tune',
  why: 'adapts the last blocks of the network to your pictures',
  continues: true,
};

/**
 * What would probably improve the network, judged by how training went: at most two suggestions, the most promising
 * first. Without validation there are none.
 */
export function adviceFor({ settings, metrics, best, epoch }: TrainingOutcome): Advice[] {
  const { accuracy, validationAccuracy } = metrics;
  if (isHeadOnly(settings)) return [fineTuning];
  if (accuracy === undefined || validationAccuracy === undefined || !best) return [];
  const isOverfitting = accuracy - validationAccuracy > overfittingGap;
  // Fine-tuning compares its last epoch alone.
  const isStillImproving = !hasStart(settings) && best.epoch === epoch && epoch === settings.epochs;
  const advice: (Advice | false)[] = [
    settings.recipe === 'article' &&
      !hasStart(settings) && {
        flag: '--recipe best',
        why: 'starts from a network that has seen a million photographs',
      },
    isOverfitting &&
      settings.recipe !== 'article' &&
      settings.augment === 'off' && {
        flag: '--augment online',
        why: 'it overfits: it knows the training pictures by heart',
      },
    isStillImproving && {
      flag: `--epochs ${2 * settings.epochs}`,
      why: 'the last epoch was the best',
      continues: true,
    },
  ];
  return advice.filter((one) => one !== false).slice(0, 2);
}

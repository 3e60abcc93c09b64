import type { CheckpointInfo, Metrics } from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';

/** What is known of a training at its end. */
export interface Ended {
  settings: Pick<Settings, 'recipe' | 'augment' | 'epochs'>;
  /** Of the last epoch. */
  metrics: Metrics;
  best: CheckpointInfo['best'];
  epoch: number;
}

/** Training accuracy above validation accuracy, from which on pictures are known by heart rather than understood. */
const overfitGap = 0.15;

/** A way to learn better: what to add to the command, and why. */
export interface Advice {
  /** A flag with its value. */
  flag: string;
  why: string;
  /** Whether it continues the training; otherwise a new one does better. */
  continues?: true;
}

/**
 * What would probably make the network better, the most promising first: at most two things, told from how training
 * went. Empty without validation, or where nothing suggests itself.
 */
export function adviceFor({ settings, metrics, best, epoch }: Ended): Advice[] {
  const { accuracy, validationAccuracy } = metrics;
  if (accuracy === undefined || validationAccuracy === undefined || !best) return [];
  const isOverfit = accuracy - validationAccuracy > overfitGap;
  const isStillImproving = best.epoch === epoch && epoch === settings.epochs;
  const advice: (Advice | false)[] = [
    settings.recipe === 'article' && {
      flag: '--recipe best',
      why: 'a larger network on varied pictures',
    },
    isOverfit &&
      settings.recipe !== 'article' &&
      settings.augment === 'off' && { flag: '--augment online', why: 'it learns pictures by heart' },
    isStillImproving && {
      flag: `--epochs ${2 * settings.epochs}`,
      why: 'the last epoch was the best',
      continues: true,
    },
  ];
  return advice.filter((one) => one !== false).slice(0, 2);
}

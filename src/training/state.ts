import type { Online } from '../augment/online.ts';
import type { CheckpointInfo, Metrics, Position } from '../checkpoints/index.ts';
import type { Shard } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import type { Pack } from '../dataset/pack.ts';
import type { Dataset } from '../dataset/scan.ts';
import type { Split } from '../dataset/split.ts';
import type { Model } from '../models/model.ts';
import type { OpenSession } from '../runs/record.ts';
import type { Adam } from './adam.ts';
import type { CheckpointSaver } from './checkpoint_saver.ts';
import type { GradientExchange } from './exchange.ts';
import type { TrainingEvents } from './options.ts';
import { isOver } from './resume.ts';
import type { Objective } from './targets.ts';
import type { TrainingLog } from './training_log.ts';
import type { AveragedWeights } from './weight_average.ts';

/** Everything a training works with. `position`, `metrics` and `best` change as it runs. */
export interface Training {
  run: string;
  settings: Settings;
  dataset: Dataset;
  split: Split;
  pack: Pack;
  model: Model;
  /** Whether the head is still to be trained on the network's features, or to be judged, before the first epoch. */
  trainsHead: boolean;
  /** Indices of the classes whose rows of the head are fitted then; [] where it is only judged. */
  rowsToFit: number[];
  adam: Adam;
  objective: Objective;
  /** With --ema and fine-tuning: the weights that are validated and saved in place of the current ones. */
  average: AveragedWeights | undefined;
  position: Position;
  metrics: Metrics;
  best: CheckpointInfo['best'];
  /** With --multi-label: those of the last validation, or of the checkpoint to continue from. */
  thresholds: number[] | undefined;
  stepsPerEpoch: number;
  /** Pictures per step, over all ranks. */
  globalBatchSize: number;
  /** This rank, and how many there are. */
  rank: Shard;
  /** Only where there are other ranks. */
  exchange: GradientExchange | undefined;
  /** What is written to the run's folder; on rank 0 only. */
  records: Records | undefined;
  /** With --augment online: the threads that augment each batch. */
  online: Online | undefined;
  events: TrainingEvents;
  signal: AbortSignal | undefined;
}

/** What training a head needs. */
export type HeadTraining = Pick<
  Training,
  | ('dataset' | 'split' | 'pack' | 'model' | 'settings' | 'objective' | 'rowsToFit')
  | ('rank' | 'exchange' | 'signal' | 'events' | 'average')
>;

/** What rank 0 writes to the run's folder. */
export interface Records {
  saver: CheckpointSaver;
  log: TrainingLog;
  session: OpenSession;
}

/** Whether the last epoch is done, or training has stopped early. */
export function isFinished(training: Training): boolean {
  return !training.trainsHead && isOver(training, training.settings);
}

/** Whether to stop after this step. Ranks stop together, once all of them know that one was asked to. */
export function isStopped({ exchange, signal }: Pick<Training, 'exchange' | 'signal'>): boolean {
  return exchange ? exchange.stopped : signal?.aborted === true;
}

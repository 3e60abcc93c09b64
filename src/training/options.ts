import type { Checkpoint, CheckpointInfo, Metrics, Position } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import type { Dataset } from '../dataset/scan.ts';
import type { Split } from '../dataset/split.ts';
import type { Engine } from '../engine/index.ts';
import type { Model } from '../models/model.ts';
import type { FittedHead } from '../transfer/fit_head.ts';
import type { ClassChange, Start } from '../transfer/new_head.ts';
import type { FittedRejection } from '../unknown/fit.ts';
import type { NamedStart } from './read_start.ts';
import type { BatchResult } from './step.ts';

/** What training reports while it runs. Each function is optional and is called between two steps. */
export interface TrainingEvents {
  /** Pictures decoded so far; only where data/ has changed since the last training. */
  decoding?(done: number, total: number): void;
  /** Rows of a backbone's features that are known so far: one per picture and view. */
  features?(done: number, total: number): void;
  /** Once a head has been trained on them. */
  head?(head: FittedHead): void;
  /** Once, before the first step. */
  started?(start: {
    model: Model;
    dataset: Dataset;
    split: Split;
    stepsPerEpoch: number;
    /** Pictures per step, over all ranks. */
    batchSize: number;
    position: Position;
    /** Whether a head is trained on a network's features first, or the network is validated as it is. */
    trainsHead: boolean;
    /** What became of the classes of the network that it starts from; absent where resumed. */
    change?: ClassChange | undefined;
    /** How many numbers of the network learn. */
    learning: number;
  }): void;
  /** After each step; `rate` is in pictures per second. */
  step?(position: Position, result: BatchResult, rate: number): void;
  /** After each epoch, 1 for the first, and its validation; 0 for the network that it started from, with its head. */
  epoch?(epoch: number, metrics: Metrics): void;
  /** A sentence that the user should read. */
  notice?(text: string): void;
}

/** The arguments of {@link train}. */
export interface TrainingOptions {
  /** Every setting, as `readSettings` gives them. */
  settings: Settings;
  /** The run's folder, for its checkpoints and logs; made if missing. */
  run: string;
  /** The checkpoint to continue from: `await findCheckpoint(run, 'newest')`; absent for a new run. */
  resume?: Checkpoint | undefined;
  /** A trained network to start from, instead of that which the settings name; absent where resumed. */
  start?: (Start & Partial<NamedStart>) | undefined;
  /** The MPI ranks that train together. Each calls `train` with the same settings, run and checkpoint. */
  world?: World | undefined;
  /** For the run's record: the engine, and the command line as it was typed. */
  engine?: Engine;
  command?: string;
  /** Once aborted, training finishes its step, saves a checkpoint and returns. */
  signal?: AbortSignal;
  events?: TrainingEvents;
}

/** What {@link train} returns. */
export interface TrainingResult {
  run: string;
  position: Position;
  /** Those of the last complete epoch. */
  metrics: Metrics;
  /** The epoch with the best validation, whose checkpoint is kept and used to predict; absent without validation. */
  best?: CheckpointInfo['best'];
  /** False if the signal ended training before its last epoch. */
  finished: boolean;
  /** Whether there is a checkpoint to continue from or to predict with. */
  saved: boolean;
  /** With `--unknown`: how the best checkpoint rejects pictures, where that was fitted now. */
  unknown?: Pick<FittedRejection, 'pictures' | 'rejected' | 'leftOut'> | undefined;
}

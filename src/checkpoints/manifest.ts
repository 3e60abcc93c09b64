import type { ModelDescription } from '../models/model.ts';

/** Where training stands; with the seed it tells every random choice that follows. */
export interface Position {
  /** Steps done since the first epoch. */
  step: number;
  /** Whole epochs done. */
  epoch: number;
  /** Batches done of the epoch under way, and what they summed up to. */
  batch: number;
  lossSum: number;
  correct: number;
}

/** Shares are 0..1; losses are mean softmax cross-entropies, in nats. */
export interface Metrics {
  loss?: number;
  accuracy?: number;
  validationLoss?: number;
  validationAccuracy?: number;
}

/** What a checkpoint says about itself besides its tensors. */
export interface CheckpointInfo {
  model: ModelDescription;
  /** How a picture becomes the network's input: resized by `fit`, RGB or grey, times `scale`. */
  preprocessing: { fit: 'fill' | 'cover' | 'contain'; scale: number };
  training: {
    seed: number;
    batchSize: number;
    learningRate: number;
    validationSplit: number;
    /** Tells whether the pictures, their split and the batch size are still those that training began with. */
    dataset: string;
  };
  position: Position;
  /** Of the last whole epoch; empty where training stopped within the first. */
  metrics: Metrics;
  /** The best epoch so far; absent without validation. */
  best?: { epoch: number; metrics: Metrics };
  /**
   * Decay of the moving averages that weights.bin holds in place of the weights, which are in optimizer.bin as
   * '<variable>/learnt'; absent where there are none.
   */
  ema?: number;
}

/** Tensors lie in their file one after the other, float32, little-endian. */
export interface TensorFile {
  bytes: number;
  sha256: string;
  tensors: { name: string; shape: number[] }[];
}

export interface Manifest extends CheckpointInfo {
  format: 'bat-sup checkpoint';
  version: 1;
  saved: string;
  files: { 'weights.bin': TensorFile; 'optimizer.bin': TensorFile };
}

export interface NamedTensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../dataset/batches.ts';
import { type CrossEntropies, crossEntropies } from '../engine/cross_entropy.ts';
import type { LayerWatch, LearningPass } from '../model_tools/index.ts';
import type { Model } from '../models/model.ts';
import { toPictures } from '../models/to_pictures.ts';
import type { Adam } from './adam.ts';
import { clipGradients } from './clip_gradients.ts';
import { type Objective, sharesOf, type Targets, targetsOf } from './targets.ts';

export interface BatchResult {
  /** Mean softmax cross-entropy, nats. */
  loss: number;
  /** Pictures whose highest logit is their class's. */
  correct: number;
}

/** Looks into a training step without changing it. */
export interface StepWatch {
  batch?(batch: Batch): void;
  layer: LayerWatch;
  /** @param gradients by the variables' tfjs names, before Adam uses them. */
  gradients(gradients: tf.NamedTensorMap): void;
}

/** Looks into the evaluation of a batch. */
export interface EvaluationWatch {
  layer: LayerWatch;
  /** @param logits [batch, classes] */
  batch(batch: Batch, logits: Float32Array): void;
}

export interface StepOptions {
  /** 1 for the first. */
  step: number;
  learningRate: number;
  /** What the loss is measured against; the labels where absent. */
  objective?: Objective | undefined;
  /** Most that the norm of all gradients together may be; 0 or absent: no limit. */
  clipNorm?: number;
  watch?: StepWatch | undefined;
}

/**
 * Mean softmax cross-entropy. logits [batch, classes], targets: class indexes, or shares and weights -> scalar.
 * Its gradient is weight * (softmax(logits) - share) / batch.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, given: number[] | Targets): tf.Scalar {
  const { shares, weights } = Array.isArray(given) ? { shares: sharesOf(given, logits.shape[1]) } : given;
  const [batch] = logits.shape;
  const targets = tf.tensor2d(shares, logits.shape);
  const loss = tf.customGrad((...inputs) => {
    const [input, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    const plain = crossEntropies(input, targets);
    const { losses, gradients } = weights ? weighted(plain, weights) : plain;
    save([gradients]);
    return {
      value: tf.mean(losses),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(saved as tf.Tensor, tf.div(dy, batch)),
    };
  });
  return loss(logits) as tf.Scalar;
}

function weighted({ losses, gradients }: CrossEntropies, weights: Float32Array): CrossEntropies {
  return {
    losses: tf.mul(losses, tf.tensor1d(weights)),
    gradients: tf.mul(gradients, tf.tensor2d(weights, [weights.length, 1])),
  };
}

function countCorrect(logits: tf.Tensor2D, labels: number[]): number {
  const values = logits.dataSync();
  const classes = logits.shape[1];
  return labels.filter((label, row) => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores)) === label;
  }).length;
}

/** How a batch is learnt from. */
export interface Lesson {
  objective: Objective | undefined;
  layer: LayerWatch | undefined;
  learning: LearningPass;
}

/** A batch's mean loss and logits. */
interface Outcome {
  loss: tf.Scalar;
  logits: tf.Tensor2D;
}

/** Within tf.tidy: the mean loss of a batch and the logits, both kept, and the gradients of these variables. */
export function differentiate(
  model: Model,
  batch: Batch,
  variables: tf.Variable[],
  { objective, layer, learning }: Lesson,
): Outcome & { gradients: tf.NamedTensorMap } {
  const pictures = toPictures(batch.pixels, model);
  let logits: tf.Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward(pictures, layer, learning));
    return softmaxCrossEntropy(logits, targetsOf(batch, logits.shape[1], objective));
  }, variables);
  return { loss: tf.keep(value), logits: logits as unknown as tf.Tensor2D, gradients: grads };
}

/**
 * Shows the network a batch and lets Adam learn from it.
 * @returns what reads the result. A GPU is still at work when this returns, and waiting for it costs time: read
 * once the next step is on its way.
 */
export function trainStep(
  model: Model,
  adam: Adam,
  batch: Batch,
  { step, learningRate, objective, clipNorm = 0, watch }: StepOptions,
): () => BatchResult {
  const outcome = tf.tidy(() => {
    const lesson = { objective, layer: watch?.layer, learning: { step } };
    const { gradients, ...learnt } = differentiate(model, batch, [...model.variables.values()], lesson);
    watch?.batch?.(batch);
    watch?.gradients(gradients);
    adam.apply(clipNorm > 0 ? clipGradients(gradients, clipNorm) : gradients, step, learningRate);
    return learnt;
  });
  return () => readResult(outcome, batch);
}

/** Waits for a batch's result, and disposes of the tensors. */
export function readResult(outcome: Outcome, { labels }: Batch): BatchResult {
  const { loss, logits } = outcome;
  const result = { loss: loss.dataSync()[0] as number, correct: countCorrect(logits, labels) };
  tf.dispose([loss, logits]);
  return result;
}

/** What the network makes of a batch, without learning from it. */
export function evaluateBatch(model: Model, batch: Batch, watch?: EvaluationWatch): BatchResult {
  return tf.tidy(() => {
    const logits = model.forward(toPictures(batch.pixels, model), watch?.layer);
    watch?.batch(batch, logits.dataSync() as Float32Array);
    const loss = softmaxCrossEntropy(logits, targetsOf(batch, logits.shape[1]));
    return { loss: loss.dataSync()[0] as number, correct: countCorrect(logits, batch.labels) };
  });
}

import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../dataset/batches.ts';
import { crossEntropies } from '../engine/cross_entropy.ts';
import { scalePixels } from '../engine/scale_pixels.ts';
import type { LayerWatch } from '../model_tools/index.ts';
import type { Model } from '../models/model.ts';
import type { Adam } from './adam.ts';

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

/** What the network reads is pixels times this. */
export const pixelScale = 1 / 255;

/** uint8 pixels -> pictures [batch, height, width, channels] in 0..1. */
export function toPictures(pixels: Uint8Array, model: Model): tf.Tensor4D {
  const { height, width, channels } = model.description;
  const count = pixels.length / (height * width * channels);
  return scalePixels(pixels, [count, height, width, channels], pixelScale);
}

/** [batch, classes]: each picture's class has all of the label. */
function sharesOf(labels: number[], classes: number): Float32Array {
  const shares = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) shares[row * classes + label] = 1;
  return shares;
}

/**
 * Mean softmax cross-entropy. logits [batch, classes], labels: class indexes -> scalar.
 * Its gradient is (softmax(logits) - target) / batch.
 * @param shares [batch, classes], each row making 1: targets in place of those of the labels.
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  labels: number[],
  shares = sharesOf(labels, logits.shape[1]),
): tf.Scalar {
  const targets = tf.tensor2d(shares, logits.shape);
  const loss = tf.customGrad((...inputs) => {
    const [input, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    const { losses, gradients } = crossEntropies(input, targets);
    save([gradients]);
    return {
      value: tf.mean(losses),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.mul(saved as tf.Tensor, tf.div(dy, labels.length)),
    };
  });
  return loss(logits) as tf.Scalar;
}

function countCorrect(logits: tf.Tensor2D, labels: number[]): number {
  const values = logits.dataSync();
  const classes = logits.shape[1];
  return labels.filter((label, row) => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores)) === label;
  }).length;
}

/**
 * Shows the network a batch and lets Adam learn from it.
 * @param step 1 for the first.
 * @returns what reads the result. A GPU is still at work when this returns, and waiting for it costs time: read
 * once the next step is on its way.
 */
export function trainStep(
  model: Model,
  adam: Adam,
  batch: Batch,
  { step, learningRate, watch }: { step: number; learningRate: number; watch?: StepWatch | undefined },
): () => BatchResult {
  const { loss, logits } = tf.tidy(() => {
    const pictures = toPictures(batch.pixels, model);
    let logits: tf.Tensor2D | undefined;
    const { value: loss, grads } = tf.variableGrads(() => {
      logits = tf.keep(model.forward(pictures, watch?.layer));
      return softmaxCrossEntropy(logits, batch.labels, batch.shares);
    }, [...model.variables.values()]);
    watch?.batch?.(batch);
    watch?.gradients(grads);
    adam.apply(grads, step, learningRate);
    return { loss, logits: logits as unknown as tf.Tensor2D };
  });
  return () => {
    const result = {
      loss: loss.dataSync()[0] as number,
      correct: countCorrect(logits, batch.labels),
    };
    tf.dispose([loss, logits]);
    return result;
  };
}

/** What the network makes of a batch, without learning from it. */
export function evaluateBatch(model: Model, batch: Batch, watch?: EvaluationWatch): BatchResult {
  return tf.tidy(() => {
    const logits = model.forward(toPictures(batch.pixels, model), watch?.layer);
    watch?.batch(batch, logits.dataSync() as Float32Array);
    const loss = softmaxCrossEntropy(logits, batch.labels, batch.shares);
    return { loss: loss.dataSync()[0] as number, correct: countCorrect(logits, batch.labels) };
  });
}

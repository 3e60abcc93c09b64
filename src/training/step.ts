import type { Batch } from '../dataset/batches.ts';
import { type CrossEntropies, crossEntropies } from '../engine/kernels/cross_entropy/operation.ts';
import { UserError } from '../errors.ts';
import type { LayerWatch, TrainingPass } from '../layers/index.ts';
import type { Model } from '../models/model.ts';
import { toPictures } from '../models/to_pictures.ts';
import { tf } from '../tensors/tf.ts';
import type { Adam } from './adam.ts';
import { clipGradients } from './clip_gradients.ts';
import { releaseEarly } from './release_early.ts';
import { sigmoidCrossEntropy } from './sigmoid_cross_entropy.ts';
import { type Objective, oneHot, type Targets, targetsOf } from './targets.ts';

export interface BatchResult {
  /** Mean cross-entropy, nats: of a softmax, or with --multi-label of sigmoids, over all classes. */
  loss: number;
  /** Pictures whose highest logit is that of their class; with --multi-label those with all classes right at 0.5. */
  correct: number;
}

/** Observes a training step without changing it. */
export interface StepWatch {
  batch?(batch: Batch): void;
  layer: LayerWatch;
  /** @param gradients by the tfjs names of the variables, before clipping. */
  gradients(gradients: tf.NamedTensorMap): void;
}

/** Observes the evaluation of a batch. */
export interface EvaluationWatch {
  layer: LayerWatch;
  /** @param logits [batch, classes] */
  batch(batch: Batch, logits: Float32Array): void;
}

export interface StepOptions {
  /** 1 for the first. */
  step: number;
  learningRate: number;
  /** What the loss compares with; the labels alone where absent. */
  objective?: Objective | undefined;
  /** Clips the gradients to this global norm; 0 or absent: not at all. */
  clipNorm?: number;
  watch?: StepWatch | undefined;
}

/**
 * Mean softmax cross-entropy, nats: logits [batch, classes] -> scalar. Its gradient is
 * weight * (softmax(logits) - target) / batch.
 * @param labels class indices, or the target probabilities and weights.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: number[] | Targets): tf.Scalar {
  const [batch, classes] = logits.shape;
  const { probabilities, weights }: Targets = Array.isArray(labels)
    ? { probabilities: oneHot(labels, classes) }
    : labels;
  const targets = tf.tensor2d(probabilities, logits.shape);
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

/** The mean loss of a batch. */
function lossOf({ description }: Model, logits: tf.Tensor2D, batch: Batch, objective?: Objective): tf.Scalar {
  const targets = targetsOf(batch, logits.shape[1], objective);
  return description.isMultiLabel
    ? sigmoidCrossEntropy(logits, targets)
    : softmaxCrossEntropy(logits, targets);
}

function countCorrect(logits: tf.Tensor2D, { labels, labelSets, softLabels }: Batch): number {
  const values = logits.dataSync();
  const classes = logits.shape[1];
  if (labelSets)
    return labelSets.filter((_, row) =>
      isExact(
        values.subarray(row * classes),
        (softLabels as Float32Array).subarray(row * classes, (row + 1) * classes),
      ),
    ).length;
  return labels.filter((label, row) => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores)) === label;
  }).length;
}

/** Whether the classes with a probability above 0.5 are those that a picture shows. */
export function isExact(logits: ArrayLike<number>, targets: Float32Array): boolean {
  return targets.every((target, label) => (logits[label] as number) > 0 === target > 0.5);
}

interface DifferentiateOptions {
  objective: Objective | undefined;
  layer: LayerWatch | undefined;
  pass: TrainingPass;
}

/** The mean loss of a batch, and its logits [batch, classes]. */
interface Outcome {
  loss: tf.Scalar;
  logits: tf.Tensor2D;
}

/**
 * A forward and a backward pass. To be called within tf.tidy, which disposes of the gradients; the loss and the logits
 * are kept.
 * @returns the gradients of `variables`, by their tfjs names.
 * @throws {UserError} where there are no variables.
 */
export function differentiate(
  model: Model,
  batch: Batch,
  variables: tf.Variable[],
  { objective, layer, pass }: DifferentiateOptions,
): Outcome & { gradients: tf.NamedTensorMap } {
  if (variables.length === 0)
    throw new UserError('All layers are frozen, so that nothing can learn; freeze fewer.');
  const pictures = toPictures(batch.pixels, model);
  let logits: tf.Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(() => {
    logits = tf.keep(model.forward(pictures, layer, pass));
    const loss = lossOf(model, logits, batch, objective);
    releaseEarly();
    return loss;
  }, variables);
  return { loss: tf.keep(value), logits: logits as unknown as tf.Tensor2D, gradients: grads };
}

/**
 * One training step: forward pass, backward pass and Adam's update.
 * @returns a function that waits for the result. A GPU may still be at work when this returns: call it once the next
 * step is under way.
 */
export function trainStep(
  model: Model,
  adam: Adam,
  batch: Batch,
  { step, learningRate, objective, clipNorm = 0, watch }: StepOptions,
): () => BatchResult {
  const outcome = tf.tidy(() => {
    const options = { objective, layer: watch?.layer, pass: { step } };
    const { gradients, ...result } = differentiate(model, batch, [...model.variables.values()], options);
    watch?.batch?.(batch);
    watch?.gradients(gradients);
    adam.apply(clipNorm > 0 ? clipGradients(gradients, clipNorm) : gradients, step, learningRate);
    return result;
  });
  return () => readResult(outcome, batch);
}

/** Waits for the result of a batch, and disposes of its tensors. */
export function readResult(outcome: Outcome, batch: Batch): BatchResult {
  const { loss, logits } = outcome;
  const result = { loss: loss.dataSync()[0] as number, correct: countCorrect(logits, batch) };
  tf.dispose([loss, logits]);
  return result;
}

/** Loss and accuracy of a batch, in inference mode. */
export function evaluateBatch(model: Model, batch: Batch, watch?: EvaluationWatch): BatchResult {
  return tf.tidy(() => {
    const logits = model.forward(toPictures(batch.pixels, model), watch?.layer);
    watch?.batch(batch, logits.dataSync() as Float32Array);
    const loss = lossOf(model, logits, batch);
    return { loss: loss.dataSync()[0] as number, correct: countCorrect(logits, batch) };
  });
}

import type { Picture } from '../../dataset/scan.ts';
import { sigmoidLoss } from '../../evaluation/multi_label/sigmoid.ts';
import { argmax, crossEntropy } from '../../evaluation/softmax.ts';
import { tf } from '../../tensors/tf.ts';
import { isExact } from '../step.ts';
import type { LinearHead } from './linear_head.ts';

/** logits [rows, classes] of features [rows, length]. */
function logitsOf(features: Float32Array, { length, weights, biases }: LinearHead): Float32Array {
  const logits = tf.tidy(() => {
    const rows = tf.tensor2d(features, [features.length / length, length]);
    return tf.add(tf.matMul(rows, weights as tf.Tensor2D), biases);
  });
  // Outside of tidy, which would walk through all numbers of an array to look for tensors.
  const values = logits.dataSync() as Float32Array;
  logits.dispose();
  return values;
}

/** Cross-entropy of a picture, nats. */
function lossOf(logits: Float32Array, { label, labels, softLabel }: Picture): number {
  if (labels && softLabel)
    return (
      softLabel.reduce((sum, target, one) => sum + sigmoidLoss(logits[one] as number, target), 0) /
      logits.length
    );
  if (!softLabel) return crossEntropy(logits, label);
  return softLabel.reduce((sum, share, one) => sum + share * crossEntropy(logits, one), 0);
}

/** Whether a picture is answered right. */
function isRight(logits: Float32Array, { label, labels, softLabel }: Picture): boolean {
  return labels && softLabel ? isExact(logits, Float32Array.from(softLabel)) : argmax(logits) === label;
}

/**
 * How well a head classifies pictures.
 * @param features float32 [pictures, length].
 * @returns mean cross-entropy in nats, accuracy, and the logits, float32 [pictures, classes].
 */
export function judge(
  features: Float32Array,
  pictures: Picture[],
  head: LinearHead,
): { loss: number; accuracy: number; logits: Float32Array } {
  const classes = head.biases.size;
  const logits = logitsOf(features, head);
  let loss = 0;
  let correct = 0;
  for (const [index, picture] of pictures.entries()) {
    const row = logits.subarray(index * classes, (index + 1) * classes);
    loss += lossOf(row, picture);
    if (isRight(row, picture)) correct++;
  }
  return { loss: loss / pictures.length, accuracy: correct / pictures.length, logits };
}

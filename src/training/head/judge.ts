import type { Picture } from '../../dataset/scan.ts';
import { tf } from '../../tensors/tf.ts';
import type { LinearHead } from './linear_head.ts';

/** logits [rows, classes] of features [rows, length]. */
function logitsOf(features: Float32Array, { length, weights, biases }: LinearHead): Float32Array {
  return tf.tidy(() => {
    const rows = tf.tensor2d(features, [features.length / length, length]);
    return tf.add(tf.matMul(rows, weights as tf.Tensor2D), biases).dataSync() as Float32Array;
  });
}

/** log(sum(exp(logits))), without overflow. */
function logSumExp(logits: Float32Array): number {
  const highest = Math.max(...logits);
  return highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
}

/** Softmax cross-entropy, nats. */
function crossEntropy(logits: Float32Array, { label, softLabel }: Picture): number {
  const logSum = logSumExp(logits);
  if (!softLabel) return logSum - (logits[label] as number);
  return logits.reduce((sum, logit, one) => sum + (softLabel[one] as number) * (logSum - logit), 0);
}

/**
 * How well a head classifies pictures.
 * @param features float32 [pictures, length].
 * @returns mean cross-entropy in nats, and accuracy.
 */
export function judge(
  features: Float32Array,
  pictures: Picture[],
  head: LinearHead,
): { loss: number; accuracy: number } {
  const classes = head.biases.size;
  const logits = logitsOf(features, head);
  let loss = 0;
  let correct = 0;
  for (const [index, picture] of pictures.entries()) {
    const row = logits.subarray(index * classes, (index + 1) * classes);
    loss += crossEntropy(row, picture);
    if (row.indexOf(Math.max(...row)) === picture.label) correct++;
  }
  return { loss: loss / pictures.length, accuracy: correct / pictures.length };
}

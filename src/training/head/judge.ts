import type { Picture } from '../../dataset/scan.ts';
import { argmax, crossEntropy } from '../../evaluation/softmax.ts';
import { tf } from '../../tensors/tf.ts';
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

/** Softmax cross-entropy of a picture, nats. */
function lossOf(logits: Float32Array, { label, softLabel }: Picture): number {
  if (!softLabel) return crossEntropy(logits, label);
  return softLabel.reduce((sum, share, one) => sum + share * crossEntropy(logits, one), 0);
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
    loss += lossOf(row, picture);
    if (argmax(row) === picture.label) correct++;
  }
  return { loss: loss / pictures.length, accuracy: correct / pictures.length };
}

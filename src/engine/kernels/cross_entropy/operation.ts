import { tf } from '../../../tensors/tf.ts';

/** The kernel an engine may register: both results at once. Inputs: logits, targets. */
export const crossEntropyKernel = 'SoftmaxCrossEntropy';

export interface CrossEntropies {
  /** [batch], nats. */
  losses: tf.Tensor1D;
  /** The gradient of each loss with respect to its logits, softmax(logits) - targets: [batch, classes]. */
  gradients: tf.Tensor2D;
}

/** Softmax cross-entropy per picture. logits and targets [batch, classes]; the targets of a picture sum to 1. */
export function crossEntropies(logits: tf.Tensor2D, targets: tf.Tensor2D): CrossEntropies {
  if (tf.getKernel(crossEntropyKernel, tf.getBackend())) {
    const results = tf.engine().runKernel(crossEntropyKernel, { logits, targets });
    const [losses, gradients] = results as [tf.Tensor1D, tf.Tensor2D];
    return { losses, gradients };
  }
  // Subtracting the maximum keeps exp within the range of float32.
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
  return {
    losses: tf.neg(tf.sum(tf.mul(targets, logProbabilities), 1)),
    gradients: tf.sub(tf.exp(logProbabilities), targets),
  };
}

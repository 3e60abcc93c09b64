import * as tf from '@tensorflow/tfjs-core';

/**
 * Scales all gradients by one number, so that the root of the sum of their squares is at most `norm` (Pascanu, Mikolov
 * and Bengio 2013). It is not read back, so that nothing waits for it.
 */
export function clipGradients(gradients: tf.NamedTensorMap, norm: number): tf.NamedTensorMap {
  return tf.tidy(() => {
    const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
    const total = tf.sqrt(tf.addN(squares));
    const factor = tf.div(norm, tf.maximum(total, norm));
    return Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, factor)]),
    );
  });
}

import * as tf from '@tensorflow/tfjs-core';

/** New trainable biases, all 0.05. @param shape e.g. [16]. */
export function addBiases(shape: number[]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.fill(shape, 0.05)));
}

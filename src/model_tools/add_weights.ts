import * as tf from '@tensorflow/tfjs-core';

/**
 * New trainable weights: normal with mean 0 and standard deviation 0.05, redrawn beyond two deviations.
 * @param shape e.g. [5, 5, 3, 16] for a convolution, [10816, 1024] for a fully connected layer.
 */
export function addWeights(shape: number[], seed?: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.truncatedNormal(shape, 0, 0.05, 'float32', seed)));
}

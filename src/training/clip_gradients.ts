import { tf } from '../tensors/tf.ts';

/**
 * Scales all gradients by one factor, so that their global norm, the square root of the sum of all squares, is at most
 * `norm` (Pascanu, Mikolov and Bengio 2013). The factor stays on the engine: reading it back would wait for a GPU.
 * @returns new tensors by the same names, which the caller disposes of.
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

import { tf } from '../../../tensors/tf.ts';

/**
 * The product of two tensors of the same shape, or of maps and one factor for each of their channels.
 * @param x [batch, height, width, channels], or any shape where both have the same.
 * @param factor [batch, 1, 1, channels]
 * @returns of the shape of x; it has gradients for both.
 */
export function multiply(x: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  const isBroadcast = String(x.shape) !== String(factor.shape);
  const product = tf.customGrad((...inputs) => {
    const [a, b, save] = inputs as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([a, b]);
    return {
      value: tf.mul(a, b),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [x, factor] = saved as [tf.Tensor, tf.Tensor];
        const byFactor = tf.mul(dy, x);
        return [tf.mul(dy, factor), isBroadcast ? tf.sum(byFactor, [1, 2], true) : byFactor];
      },
    };
  });
  return product(x, factor);
}

import { tf } from '../../../tensors/tf.ts';

/** The kernel an engine may register for {@link sumToChannels}. Input: dy. */
export const biasGradKernel = 'BiasAddGrad';

/** The gradient of a bias: the sum over all axes but the last. [..., channels] -> [channels] */
export function sumToChannels(dy: tf.Tensor): tf.Tensor {
  if (tf.getKernel(biasGradKernel, tf.getBackend())) return tf.engine().runKernel(biasGradKernel, { dy });
  return tf.sum(
    dy,
    dy.shape.slice(0, -1).map((_, axis) => axis),
  );
}

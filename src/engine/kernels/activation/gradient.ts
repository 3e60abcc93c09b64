import { tf } from '../../../tensors/tf.ts';

/** The kernel an engine may register: dy where y is above zero, else 0. Inputs: dy, y. */
export const reluGradKernel = 'ReluGrad';

export function reluGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  if (tf.getKernel(reluGradKernel, tf.getBackend())) return tf.engine().runKernel(reluGradKernel, { dy, y });
  return tf.mul(dy, tf.step(y));
}

export const relu: tf.GradConfig = {
  kernelName: 'Relu',
  outputsToSave: [true],
  gradFunc(gradient, saved) {
    const [y] = saved as [tf.Tensor];
    return { x: () => reluGradient(gradient as tf.Tensor, y) };
  },
};

import { tf } from '../../../tensors/tf.ts';

export const reshape: tf.GradConfig = {
  kernelName: 'Reshape',
  inputsToSave: ['x'],
  gradFunc(gradient, saved) {
    const [x] = saved as [tf.Tensor];
    return { x: () => tf.reshape(gradient as tf.Tensor, x.shape) };
  },
};

import { tf } from '../../../tensors/tf.ts';

export const maxPool: tf.GradConfig = {
  kernelName: 'MaxPool',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc(gradient, saved, attributes) {
    const [input, output] = saved as [tf.Tensor, tf.Tensor];
    const inputs = { dy: gradient as tf.Tensor, input, output };
    return { x: () => tf.engine().runKernel('MaxPoolGrad', inputs, attributes as tf.NamedAttrMap) };
  },
};

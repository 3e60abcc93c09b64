import { tf } from '../../../tensors/tf.ts';
import { sumToChannels } from '../bias/operation.ts';

/** x [batch, height, width, inputs], filter [kernelHeight, kernelWidth, inputs, outputs], bias [outputs] */
export const fusedConv2d: tf.GradConfig = {
  kernelName: 'FusedConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc(gradient, saved, attributes) {
    const dy = gradient as tf.Tensor;
    const [x, filter] = saved as [tf.Tensor, tf.Tensor];
    const { strides, pad, dataFormat } = attributes as tf.NamedAttrMap;
    const common = { strides, pad, dataFormat } as tf.NamedAttrMap;
    const run = (kernel: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap) =>
      tf.engine().runKernel(kernel, inputs, { ...common, ...more }) as tf.Tensor;
    return {
      x: () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
      bias: () => sumToChannels(dy),
    };
  },
};

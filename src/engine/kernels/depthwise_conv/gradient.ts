import { tf } from '../../../tensors/tf.ts';
import { sumToChannels } from '../bias/operation.ts';

/** x [batch, height, width, channels], filter [kernelHeight, kernelWidth, channels, 1], bias [channels] */
export const fusedDepthwiseConv2d: tf.GradConfig = {
  kernelName: 'FusedDepthwiseConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc(gradient, saved, attributes) {
    const dy = gradient as tf.Tensor;
    const [x, filter] = saved as [tf.Tensor, tf.Tensor];
    const { strides, pad, dilations } = attributes as tf.NamedAttrMap;
    const common = { strides, pad, dilations } as tf.NamedAttrMap;
    const run = (kernel: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap) =>
      tf.engine().runKernel(kernel, inputs, { ...common, ...more }) as tf.Tensor;
    return {
      x: () => run('DepthwiseConv2dNativeBackpropInput', { dy, filter }, { inputShape: x.shape }),
      filter: () => run('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { filterShape: filter.shape }),
      bias: () => sumToChannels(dy),
    };
  },
};

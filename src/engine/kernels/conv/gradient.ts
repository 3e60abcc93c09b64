import { tf } from '../../../tensors/tf.ts';
import { sumToChannels } from '../bias/operation.ts';

/**
 * The gradients of a fused convolution.
 * @param kernelName of the convolution, with the inputs x [batch, height, width, inputs], filter (four axes) and bias.
 * @param backward prefix of the kernels of its gradients: 'Conv2DBackprop' -> Conv2DBackpropInput, Conv2DBackpropFilter.
 */
export function convolutionGradient(kernelName: string, backward: string): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc(gradient, saved, attributes) {
      const dy = gradient as tf.Tensor;
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      const { strides, pad, dataFormat, dilations } = attributes as tf.NamedAttrMap;
      const common = { strides, pad, dataFormat, dilations } as tf.NamedAttrMap;
      const run = (kernel: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap) =>
        tf.engine().runKernel(kernel, inputs, { ...common, ...more }) as tf.Tensor;
      return {
        x: () => run(`${backward}Input`, { dy, filter }, { inputShape: x.shape }),
        filter: () => run(`${backward}Filter`, { x, dy }, { filterShape: filter.shape }),
        bias: () => sumToChannels(dy),
      };
    },
  };
}

import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';

export interface ConvolutionOptions {
  /** Pixels from one position of the kernel to the next, in both directions. */
  stride: number;
  /** TensorFlow's: 'same' pads so that ceil(size / stride) positions fit, 'valid' not at all. */
  padding: 'same' | 'valid';
}

/**
 * A convolution and its bias as one kernel, with gradients for x, filter and bias.
 * @param kernel 'FusedConv2D', or 'FusedDepthwiseConv2D'.
 * @param x [batch, height, width, channels]
 * @param filter [kernelHeight, kernelWidth, channels, outputs]
 * @param bias [outputs]
 * @returns [batch, outHeight, outWidth, outputs]
 */
export function fusedConvolution(
  kernel: string,
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor | undefined,
  { stride, padding }: ConvolutionOptions,
): tf.Tensor4D {
  const attributes = {
    strides: [stride, stride],
    pad: padding,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  const inputs = { x, filter, ...(bias && { bias }) } as unknown as tf.NamedTensorMap;
  return tf.engine().runKernel(kernel, inputs, attributes);
}

import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';

export interface ConvolutionOptions {
  /** Pixels from one position of the kernel to the next, in both directions or [down, across]. */
  stride: number | [height: number, width: number];
  /** TensorFlow's: 'same' pads so that ceil(size / stride) positions fit, 'valid' not at all. */
  padding: 'same' | 'valid';
}

/** Of kernels that have one stride for both axes. */
export interface SquareConvolutionOptions extends ConvolutionOptions {
  stride: number;
}

/**
 * A convolution and its bias as one kernel, with gradients for x, filter and bias.
 * @param kernel 'FusedConv2D', 'FusedDepthwiseConv2D' or 'GroupedConv2D'.
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
    strides: typeof stride === 'number' ? [stride, stride] : stride,
    pad: padding,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  const inputs = { x, filter, ...(bias && { bias }) } as unknown as tf.NamedTensorMap;
  return tf.engine().runKernel(kernel, inputs, attributes);
}

import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';

export interface DepthwiseConvOptions {
  /** Pixels from one position of the kernel to the next, in both directions. */
  stride: number;
  /** TensorFlow's: 'same' pads so that ceil(size / stride) positions fit, 'valid' not at all. */
  padding: 'same' | 'valid';
}

/**
 * Depthwise convolution: each channel is convolved with a filter of its own, and stays one channel.
 * y[b, i, j, c] = bias[c] + sum over u, v of x[b, i * stride - top + u, j * stride - left + v, c] * filter[u, v, c, 0]
 * @param x [batch, height, width, channels]
 * @param filter [kernelHeight, kernelWidth, channels, 1]
 * @param bias [channels]
 * @returns [batch, outHeight, outWidth, channels]; it has gradients for x, filter and bias.
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | undefined,
  { stride, padding }: DepthwiseConvOptions,
): tf.Tensor4D {
  const attributes = {
    strides: [stride, stride],
    pad: padding,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  const inputs = { x, filter, ...(bias && { bias }) } as unknown as tf.NamedTensorMap;
  return tf.engine().runKernel('FusedDepthwiseConv2D', inputs, attributes);
}

import { tf } from '../../../tensors/tf.ts';
import { type ConvolutionOptions, fusedConvolution } from '../conv/operation.ts';
import { groupedConvolution } from '../grouped_conv/operation.ts';

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
  options: ConvolutionOptions,
): tf.Tensor4D {
  const [down, across] = [options.stride].flat();
  if (across === undefined || down === across)
    return fusedConvolution('FusedDepthwiseConv2D', x, filter, bias, options);
  // TensorFlow's depthwise convolution has one stride for both axes.
  const [height, width, channels] = filter.shape;
  return groupedConvolution(x, tf.reshape(filter, [height, width, 1, channels]), bias, options);
}

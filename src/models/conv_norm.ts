import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTools } from '../model_tools/index.ts';

/** A convolution and the normalisation of what it gives; its biases would be taken away again. */
export function convNorm(
  tools: ModelTools,
  layer: tf.Tensor4D,
  { kernel = 3, channels, stride = 1 }: { kernel?: number; channels: number; stride?: number },
): tf.Tensor4D {
  const inputChannels = layer.shape[3];
  const options = { kernel, inputChannels, outputChannels: channels, stride, biases: false };
  return tools.batchNormLayer(tools.convLayer(layer, options));
}

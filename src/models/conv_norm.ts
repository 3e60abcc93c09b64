import type { ModelTools, Value } from '../layers/index.ts';

/** A convolution and batch normalisation. The convolution has no biases, because normalisation would subtract them. */
export function convNorm(
  tools: ModelTools,
  layer: Value,
  { kernel = 3, channels, stride = 1 }: { kernel?: number; channels: number; stride?: number },
): Value {
  const inputChannels = layer.shape[3] as number;
  const options = { kernel, inputChannels, outputChannels: channels, stride, biases: false };
  return tools.batchNormLayer(tools.convLayer(layer, options));
}

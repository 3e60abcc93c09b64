import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { checkFeatureMaps, checkSizes } from './check_shape.ts';
import { connections } from './connections.ts';
import { Scope } from './scope.ts';

export interface ConvOptions {
  /** Height and width of the kernel, pixels. */
  kernel: number;
  inputChannels: number;
  outputChannels: number;
  /** Pixels from one place of the kernel to the next. */
  stride: number;
}

/**
 * Convolution with SAME padding, plus bias.
 * [batch, height, width, inputChannels] -> [batch, ceil(height / stride), ceil(width / stride), outputChannels]
 * @throws {UserError} naming the layer, where the shapes do not fit.
 */
export function convLayer(layer: tf.Tensor, options: ConvOptions, scope = new Scope()): tf.Tensor4D {
  const { kernel, inputChannels, outputChannels, stride } = options;
  const name = scope.nextName('conv');
  checkFeatureMaps(name, layer);
  checkSizes(name, { kernel, inputChannels, outputChannels, stride });
  const channels = layer.shape[3];
  if (channels !== inputChannels) {
    throw new UserError(
      `${name}: inputChannels is ${inputChannels}, but its input has ${channels} channels.`,
    );
  }
  const { weights, biases, variables } = connections(scope, name, [
    kernel,
    kernel,
    inputChannels,
    outputChannels,
  ]);
  const output = tf.fused.conv2d({
    x: layer,
    filter: weights as tf.Tensor4D,
    strides: stride,
    pad: 'same',
    bias: biases,
  });
  scope.layers.push({
    name,
    kind: 'conv',
    inputShape: layer.shape.slice(1),
    outputShape: output.shape.slice(1),
    variables,
    attributes: { kernel, stride },
  });
  return output;
}

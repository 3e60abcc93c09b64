import '../engine/gradients.ts';
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

/** Convolution and bias as one kernel, whose gradients are in engine/gradients.ts. */
function convolve(x: tf.Tensor4D, filter: tf.Tensor, bias: tf.Tensor, stride: number): tf.Tensor4D {
  const attributes = {
    strides: [stride, stride],
    pad: 'same',
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  return tf.engine().runKernel('FusedConv2D', { x, filter, bias }, attributes) as tf.Tensor4D;
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
  const output = convolve(layer, weights, biases, stride);
  const summary = {
    name,
    kind: 'conv' as const,
    inputShape: layer.shape.slice(1),
    outputShape: output.shape.slice(1),
    variables,
    attributes: { kernel, stride },
  };
  return scope.add(summary, [layer], output);
}

import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { checkFeatureMaps, checkSizes } from './check_shape.ts';
import { connections, weightsOf } from './connections.ts';
import { Scope } from './scope.ts';

export interface ConvOptions {
  /** Height and width of the kernel, pixels. */
  kernel: number;
  inputChannels: number;
  outputChannels: number;
  /** Pixels from one place of the kernel to the next. */
  stride: number;
  /** Default true. False before a batch normalisation, which takes any bias away again. */
  biases?: boolean;
}

/** Convolution and bias, where there is one, as one kernel, whose gradients are in engine/gradients.ts. */
function convolve(
  inputs: { x: tf.Tensor; filter: tf.Tensor; bias?: tf.Tensor },
  stride: number,
): tf.Tensor4D {
  const attributes = {
    strides: [stride, stride],
    pad: 'same',
    dataFormat: 'NHWC',
    dilations: [1, 1],
    activation: 'linear',
  };
  return tf.engine().runKernel('FusedConv2D', inputs, attributes) as tf.Tensor4D;
}

/**
 * Convolution with SAME padding, plus bias unless `biases` is false.
 * [batch, height, width, inputChannels] -> [batch, ceil(height / stride), ceil(width / stride), outputChannels]
 * @throws {UserError} naming the layer, where the shapes do not fit.
 */
export function convLayer(layer: tf.Tensor, options: ConvOptions, scope = new Scope()): tf.Tensor4D {
  const { kernel, inputChannels, outputChannels, stride, biases: withBiases = true } = options;
  const name = scope.nextName('conv');
  checkFeatureMaps(name, layer);
  checkSizes(name, { kernel, inputChannels, outputChannels, stride });
  const channels = layer.shape[3];
  if (channels !== inputChannels) {
    throw new UserError(
      `${name}: inputChannels is ${inputChannels}, but its input has ${channels} channels.`,
    );
  }
  const shape = [kernel, kernel, inputChannels, outputChannels];
  const { weights, biases, variables } = withBiases
    ? connections(scope, name, shape)
    : { ...weightsOf(scope, name, shape), biases: undefined };
  const output = convolve({ x: layer, filter: weights, ...(biases && { bias: biases }) }, stride);
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

import { fusedConvolution } from '../../engine/kernels/conv/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { checkSizes, mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';
import { type Padding, type Window, windowsOver } from '../window.ts';

export interface ConvAttributes extends Window {
  outputChannels: number;
  biases: boolean;
}

/** Convolution of feature maps, plus optional biases. */
export const conv: Layer<ConvAttributes> = {
  kind: 'conv',
  prefix: 'conv',
  isLinear: true,
  plan(inputs, { outputChannels, biases, ...window }, fail) {
    const maps = mapsOf(inputs, fail);
    checkSizes({ outputChannels }, fail);
    const { kernel } = window;
    const weights = {
      name: 'weights',
      shape: [kernel, kernel, maps[2], outputChannels],
      initial: 'random' as const,
    };
    return {
      outputShape: [...windowsOver(maps, window, fail), outputChannels],
      variables: biases ? [weights, { name: 'biases', shape: [outputChannels], initial: 0.05 }] : [weights],
    };
  },
  forward: ([x], { weights, biases }, options) =>
    fusedConvolution('FusedConv2D', x as tf.Tensor, weights as tf.Tensor, biases, options),
};

export interface ConvOptions {
  /** Height and width of the kernel, pixels. */
  kernel: number;
  inputChannels: number;
  outputChannels: number;
  /** Distance between two positions of the kernel, pixels. */
  stride: number;
  /** Default 'same'. */
  padding?: Padding;
  /** Default true. Use false before batch normalisation, which subtracts any bias again. */
  biases?: boolean;
}

/**
 * Convolution, plus biases unless `biases` is false.
 * [batch, height, width, inputChannels] -> [batch, ceil(height / stride), ceil(width / stride), outputChannels];
 * with padding 'valid' [..., floor((height - kernel) / stride) + 1, floor((width - kernel) / stride) + 1, ...].
 * @throws {UserError} naming the layer, where the shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { convLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const pictures = tf.zeros([2, 28, 28, 3]);
 * const maps = convLayer(pictures, { kernel: 5, inputChannels: 3, outputChannels: 16, stride: 1 });
 * console.log(maps.shape); // [2, 28, 28, 16]
 * await engine.dispose();
 * ```
 */
export function convLayer<V extends Value>(
  layer: V,
  { inputChannels, padding = 'same', biases = true, ...options }: ConvOptions,
  builder: Builder = new Scope(),
): V {
  const attributes = { ...options, padding, biases };
  const channels = layer.shape[3];
  if (channels !== undefined && channels !== inputChannels)
    builder.fail(
      conv,
      attributes,
      `has inputChannels ${inputChannels}, but its input has ${channels} channels`,
    );
  return builder.apply(conv, [layer], attributes) as V;
}

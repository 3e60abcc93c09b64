import { fusedConvolution } from '../../engine/kernels/conv/operation.ts';
import { groupedConvolution } from '../../engine/kernels/grouped_conv/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { checkSizes, mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';
import {
  heightAndWidth,
  type Padding,
  type Size2D,
  shortestSizes,
  type Window,
  windowsOver,
} from '../window.ts';

export interface ConvAttributes extends Window {
  outputChannels: number;
  biases: boolean;
  /** Into how many parts the channels are cut, each of which has its own kernels; absent: 1. */
  groups?: number;
}

/** Convolution of feature maps, plus optional biases. */
export const conv: Layer<ConvAttributes> = {
  kind: 'conv',
  prefix: 'conv',
  isLinear: true,
  plan(inputs, { outputChannels, biases, groups = 1, ...window }, fail) {
    const maps = mapsOf(inputs, fail);
    checkSizes({ outputChannels, groups }, fail);
    const [, , channels] = maps;
    if (channels % groups !== 0 || outputChannels % groups !== 0)
      fail(
        `has ${groups} groups, into which ${channels} channels and ${outputChannels} outputs do not divide`,
      );
    const sizes = windowsOver(maps, window, fail);
    const weights = {
      name: 'weights',
      shape: [...heightAndWidth(window.kernel), channels / groups, outputChannels],
      initial: 'random' as const,
    };
    return {
      outputShape: [...sizes, outputChannels],
      variables: biases ? [weights, { name: 'biases', shape: [outputChannels], initial: 0.05 }] : [weights],
    };
  },
  forward([x], { weights, biases }, { groups = 1, ...options }) {
    const [maps, filter] = [x, weights] as [tf.Tensor, tf.Tensor];
    return groups === 1
      ? fusedConvolution('FusedConv2D', maps, filter, biases, options)
      : groupedConvolution(maps, filter, biases, options);
  },
};

export interface ConvOptions {
  /** Height and width of the kernel, pixels: one number for both, or [height, width]. */
  kernel: Size2D;
  inputChannels: number;
  outputChannels: number;
  /** Distance between two positions of the kernel, pixels: one number for both axes, or [down, across]. */
  stride: Size2D;
  /** Default 'same'. */
  padding?: Padding;
  /** Into how many parts the channels are cut, each of which has its own kernels; default 1. Divides both numbers of channels. */
  groups?: number;
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
  { inputChannels, padding = 'same', biases = true, groups = 1, ...options }: ConvOptions,
  builder: Builder = new Scope(),
): V {
  const attributes = {
    ...options,
    ...shortestSizes(options),
    padding,
    biases,
    ...(groups !== 1 && { groups }),
  };
  const channels = layer.shape[3];
  if (channels !== undefined && channels !== inputChannels)
    builder.fail(
      conv,
      attributes,
      `has inputChannels ${inputChannels}, but its input has ${channels} channels`,
    );
  return builder.apply(conv, [layer], attributes) as V;
}

import { depthwiseConv2d } from '../../engine/kernels/depthwise_conv/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
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

export interface DepthwiseConvAttributes extends Window {
  biases: boolean;
}

/** Convolution of each channel with its own kernel, plus optional biases. */
export const depthwiseConv: Layer<DepthwiseConvAttributes> = {
  kind: 'depthwiseConv',
  prefix: 'depthwise',
  isLinear: true,
  plan(inputs, { biases, ...window }, fail) {
    const maps = mapsOf(inputs, fail);
    const [, , channels] = maps;
    const sizes = windowsOver(maps, window, fail);
    const shape = [...heightAndWidth(window.kernel), channels, 1];
    const weights = { name: 'weights', shape, initial: 'random' as const };
    return {
      outputShape: [...sizes, channels],
      variables: biases ? [weights, { name: 'biases', shape: [channels], initial: 0.05 }] : [weights],
    };
  },
  forward: ([maps], { weights, biases }, { stride, padding }) =>
    depthwiseConv2d(maps as tf.Tensor4D, weights as tf.Tensor4D, biases as tf.Tensor1D | undefined, {
      stride,
      padding,
    }),
};

export interface DepthwiseConvOptions {
  /** Height and width of the kernels, pixels: one number for both, or [height, width]. */
  kernel: Size2D;
  /** Distance between two positions of a kernel, pixels: one number for both axes, or [down, across]. */
  stride: Size2D;
  /** Default 'same'. */
  padding?: Padding;
  /** Default true. Use false before batch normalisation, which subtracts any bias again. */
  biases?: boolean;
}

/**
 * Convolution of each channel with its own kernel, plus biases unless `biases` is false. Followed by a convolution with a
 * kernel of 1, which mixes the channels, it is a depthwise separable convolution (MobileNets, Howard et al. 2017).
 * [batch, height, width, channels] -> [batch, ceil(height / stride), ceil(width / stride), channels];
 * with padding 'valid' [..., floor((height - kernel) / stride) + 1, floor((width - kernel) / stride) + 1, ...].
 * @throws {UserError} naming the layer, where the shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { depthwiseConvLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const maps = depthwiseConvLayer(tf.ones([1, 8, 8, 3]), { kernel: 3, stride: 2 });
 * console.log(maps.shape); // [1, 4, 4, 3]
 * await engine.dispose();
 * ```
 */
export function depthwiseConvLayer<V extends Value>(
  layer: V,
  { padding = 'same', biases = true, ...options }: DepthwiseConvOptions,
  builder: Builder = new Scope(),
): V {
  const attributes = { ...options, ...shortestSizes(options), padding, biases };
  return builder.apply(depthwiseConv, [layer], attributes) as V;
}

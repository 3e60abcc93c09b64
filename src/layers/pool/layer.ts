import '../../engine/gradients.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';
import { type Padding, type Size2D, shortestSizes, type Window, windowsOver } from '../window.ts';

/** Max-pooling: the largest value of each window, per channel. */
export const pool: Layer<Window> = {
  kind: 'pool',
  prefix: 'pool',
  keepsNonNegative: true,
  isPerChannel: true,
  plan(inputs, window, fail) {
    const maps = mapsOf(inputs, fail);
    return { outputShape: [...windowsOver(maps, window, fail), maps[2]] };
  },
  forward: ([maps], _, { kernel, stride, padding }) =>
    tf.maxPool(maps as tf.Tensor4D, kernel, stride, padding),
};

export interface PoolingOptions {
  /** Height and width of the window, pixels: one number for both, or [height, width]. */
  kernel: Size2D;
  /** Distance between two windows, pixels: one number for both axes, or [down, across]. */
  stride: Size2D;
  /** Default 'same'. */
  padding?: Padding;
}

/**
 * Max-pooling: the largest value of each window, per channel.
 * [batch, height, width, channels] -> [batch, ceil(height / stride), ceil(width / stride), channels];
 * with padding 'valid' [..., floor((height - kernel) / stride) + 1, floor((width - kernel) / stride) + 1, ...].
 * @throws {UserError} naming the layer, where the shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { poolingLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = tf.zeros([2, 28, 28, 16]);
 * console.log(poolingLayer(maps, { kernel: 2, stride: 2 }).shape); // [2, 14, 14, 16]
 * await engine.dispose();
 * ```
 */
export function poolingLayer<V extends Value>(
  layer: V,
  { padding = 'same', ...options }: PoolingOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(pool, [layer], { ...options, ...shortestSizes(options), padding }) as V;
}

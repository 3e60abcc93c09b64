import { averagePool as average } from '../../engine/kernels/average_pool/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import type { PoolingOptions } from '../pool/layer.ts';
import { Scope } from '../scope.ts';
import { shortestSizes, type Window, windowsOver } from '../window.ts';

/** Average pooling: the mean of each window, per channel. Padding is not counted. */
export const averagePool: Layer<Window> = {
  kind: 'averagePool',
  prefix: 'mean',
  keepsNonNegative: true,
  isPerChannel: true,
  plan(inputs, window, fail) {
    const maps = mapsOf(inputs, fail);
    return { outputShape: [...windowsOver(maps, window, fail), maps[2]] };
  },
  forward: ([maps], _, window) => average(maps as tf.Tensor4D, window),
};

/**
 * Average pooling: the mean of each window, per channel. With padding 'same', windows at the border have the mean of those
 * of their pixels that lie within the maps. For a mean that counts zeros around the maps too, apply zeroPaddingLayer first,
 * and pool with padding 'valid'.
 * [batch, height, width, channels] -> [batch, ceil(height / stride), ceil(width / stride), channels];
 * with padding 'valid' [..., floor((height - kernel) / stride) + 1, floor((width - kernel) / stride) + 1, ...].
 * @throws {UserError} naming the layer, where the shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { averagePoolingLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
 * console.log(averagePoolingLayer(maps, { kernel: 2, stride: 2 }).dataSync()); // Float32Array [3, 4.5]
 * await engine.dispose();
 * ```
 */
export function averagePoolingLayer<V extends Value>(
  layer: V,
  { padding = 'same', ...options }: PoolingOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(averagePool, [layer], { ...options, ...shortestSizes(options), padding }) as V;
}

import '../../engine/gradients.ts';
import { meanOfMaps } from '../../engine/kernels/map_factors/operation.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

export interface GlobalAveragePoolingOptions {
  /** Whether the means stay maps [1, 1, channels], which a convolution can read; default: they are features [channels]. */
  keepDimensions?: true;
}

/** The mean of each feature map. */
export const globalAveragePool: Layer<GlobalAveragePoolingOptions> = {
  kind: 'globalAveragePool',
  prefix: 'average',
  keepsNonNegative: true,
  isPerChannel: true,
  plan(inputs, { keepDimensions }, fail) {
    const [, , channels] = mapsOf(inputs, fail);
    return { outputShape: keepDimensions ? [1, 1, channels] : [channels] };
  },
  forward([maps], _, { keepDimensions }) {
    const means = meanOfMaps(maps as tf.Tensor4D);
    const [batch, , , channels] = means.shape;
    return keepDimensions ? means : tf.reshape(means, [batch, channels]);
  },
};

/**
 * The mean of each feature map. [batch, height, width, channels] -> [batch, channels], or with keepDimensions
 * [batch, 1, 1, channels].
 * @throws {UserError} naming the layer, where the input is not feature maps.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { globalAveragePoolingLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = tf.zeros([2, 7, 7, 64]);
 * console.log(globalAveragePoolingLayer(maps).shape); // [2, 64]
 * console.log(globalAveragePoolingLayer(maps, { keepDimensions: true }).shape); // [2, 1, 1, 64]
 * await engine.dispose();
 * ```
 */
export function globalAveragePoolingLayer<V extends Value>(
  layer: V,
  options?: GlobalAveragePoolingOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(globalAveragePool, [layer], { ...options }) as V;
}

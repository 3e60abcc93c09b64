import '../../engine/gradients.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** Turns feature maps into one row of features per picture. */
export const flatten: Layer<object> = {
  kind: 'flatten',
  prefix: 'flatten',
  isNumbered: false,
  plan(inputs, _, fail) {
    const [height, width, channels] = mapsOf(inputs, fail);
    return { outputShape: [height * width * channels] };
  },
  forward: ([maps]) => tf.reshape(maps as tf.Tensor, [maps?.shape[0] ?? -1, -1]),
};

/**
 * Turns feature maps into one row of features per picture.
 * [batch, height, width, channels] -> [batch, size], with size = height * width * channels.
 * @returns the flattened layer, and its size.
 * @throws {UserError} naming the layer, where the input is not feature maps.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { flatteningLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const { layer, size } = flatteningLayer(tf.zeros([2, 7, 7, 64]));
 * console.log(layer.shape, size); // [2, 3136] 3136
 * await engine.dispose();
 * ```
 */
export function flatteningLayer<V extends Value>(
  layer: V,
  builder: Builder = new Scope(),
): { layer: V; size: number } {
  const flattened = builder.apply(flatten, [layer], {}) as V;
  return { layer: flattened, size: flattened.shape[1] as number };
}

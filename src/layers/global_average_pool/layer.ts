import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

const average = tf.customGrad((...inputs) => {
  const x = inputs[0] as tf.Tensor4D;
  const [batch, height, width, channels] = x.shape;
  const gradient = (dy: tf.Tensor) => {
    const share = tf.reshape(tf.div(dy, height * width), [batch, 1, 1, channels]);
    return tf.tile(share, [1, height, width, 1]);
  };
  return { value: tf.mean(x, [1, 2]), gradFunc: gradient };
});

/** The mean of each feature map. */
export const globalAveragePool: Layer<object> = {
  kind: 'globalAveragePool',
  prefix: 'average',
  isPerChannel: true,
  plan: (inputs, _, fail) => ({ outputShape: mapsOf(inputs, fail).slice(2) }),
  forward: ([maps]) => average(maps as tf.Tensor),
};

/**
 * The mean of each feature map. [batch, height, width, channels] -> [batch, channels]
 * @throws {UserError} naming the layer, where the input is not feature maps.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { globalAveragePoolingLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * console.log(globalAveragePoolingLayer(tf.zeros([2, 7, 7, 64])).shape); // [2, 64]
 * await engine.dispose();
 * ```
 */
export function globalAveragePoolingLayer<V extends Value>(layer: V, builder: Builder = new Scope()): V {
  return builder.apply(globalAveragePool, [layer], {}) as V;
}

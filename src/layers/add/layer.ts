import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** The gradients are clones, because TensorFlow.js disposes of a gradient once it has added it to another. */
const sum = tf.customGrad((...inputs) => {
  const [a, b] = inputs as [tf.Tensor, tf.Tensor];
  return { value: tf.add(a, b), gradFunc: (dy: tf.Tensor) => [tf.clone(dy), tf.clone(dy)] };
});

/** The sum of two layers, element by element, as a residual connection needs it (He et al. 2016). */
export const add: Layer<object> = {
  kind: 'add',
  prefix: 'add',
  keepsNonNegative: true,
  isElementwise: true,
  isLinear: true,
  plan(inputs, _, fail) {
    const [one = [], other = []] = inputs;
    if (inputs.length !== 2 || String(one) !== String(other))
      fail(
        `needs two inputs of the same shape, but has ${inputs.map((shape) => `[${shape}]`).join(' and ')}`,
      );
    return { outputShape: one };
  },
  forward: ([one, other]) => sum(one as tf.Tensor, other as tf.Tensor),
};

/**
 * The sum of two layers, element by element.
 * @param layer of any shape, which is also the shape of the output.
 * @param other of the same shape.
 * @throws {UserError} naming the layer, where their shapes differ.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { addLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * console.log(addLayer(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])).dataSync()); // Float32Array [4, 6]
 * await engine.dispose();
 * ```
 */
export function addLayer<V extends Value>(layer: V, other: V, builder: Builder = new Scope()): V {
  return builder.apply(add, [layer, other], {}) as V;
}

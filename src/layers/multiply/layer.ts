import { multiply as product } from '../../engine/kernels/scale_maps/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** Whether a shape is [1, 1, channels], and the other [height, width, channels]. */
const scales = (factor: number[], maps: number[]) =>
  factor.length === 3 && maps.length === 3 && String(factor) === String([1, 1, maps[2]]);

/**
 * The product of two layers, element by element, or of maps and one factor for each of their channels, as squeeze-and-excitation
 * needs it (Hu et al. 2018).
 */
export const multiply: Layer<object> = {
  kind: 'multiply',
  prefix: 'multiply',
  plan(inputs, _, fail) {
    const [one = [], other = []] = inputs;
    const fits = String(one) === String(other) || scales(one, other) || scales(other, one);
    if (inputs.length !== 2 || !fits)
      fail(
        `needs two inputs of the same shape, or maps and [1,1,channels], but has ${inputs.map((shape) => `[${shape}]`).join(' and ')}`,
      );
    return { outputShape: scales(one, other) ? other : one };
  },
  forward([one, other]) {
    const [a, b] = [one, other] as [tf.Tensor, tf.Tensor];
    return a.size < b.size ? product(b, a) : product(a, b);
  },
};

/**
 * The product of two layers, element by element.
 * @param layer of any shape, which is also the shape of the output.
 * @param other of the same shape; or [batch, 1, 1, channels], a factor for each channel of the maps [batch, height, width, channels].
 * @throws {UserError} naming the layer, where their shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { multiplyLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = tf.tensor4d([1, 2, 3, 4], [1, 2, 1, 2]);
 * console.log(multiplyLayer(maps, tf.tensor4d([10, 100], [1, 1, 1, 2])).dataSync()); // Float32Array [10, 200, 30, 400]
 * await engine.dispose();
 * ```
 */
export function multiplyLayer<V extends Value>(layer: V, other: V, builder: Builder = new Scope()): V {
  return builder.apply(multiply, [layer, other], {}) as V;
}

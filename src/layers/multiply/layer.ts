import { multiply as product, scaleMaps } from '../../engine/kernels/map_factors/operation.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** Whether a layer has one factor for each channel of the maps. */
const scales = (factors: number[], maps: number[]) =>
  maps.length === 3 && [`${maps[2]}`, `1,1,${maps[2]}`].includes(String(factors));

/**
 * The product of two layers, element by element, or of maps and one factor for each of their channels, as
 * squeeze-and-excitation has it (Hu et al. 2018).
 */
export const multiply: Layer<object> = {
  kind: 'multiply',
  prefix: 'multiply',
  keepsNonNegative: true,
  isElementwise: true,
  plan(inputs, _, fail) {
    const [one = [], other = []] = inputs;
    const isScaled = scales(one, other);
    if (inputs.length !== 2 || !(String(one) === String(other) || isScaled || scales(other, one)))
      fail(
        `needs two inputs of the same shape, or maps and one factor for each of their channels, but has ${inputs.map((shape) => `[${shape}]`).join(' and ')}`,
      );
    return { outputShape: isScaled ? other : one };
  },
  forward([one, other]) {
    const [a, b] = [one, other] as [tf.Tensor, tf.Tensor];
    if (String(a.shape) === String(b.shape)) return product(a, b);
    const isScaled = scales(a.shape.slice(1), b.shape.slice(1));
    return isScaled ? scaled(b, a) : scaled(a, b);
  },
};

/** @param factors [batch, channels] or [batch, 1, 1, channels] */
function scaled(maps: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  const [batch, channels] = [maps.shape[0] as number, maps.shape[3] as number];
  return scaleMaps(maps, tf.reshape(factors, [batch, 1, 1, channels]));
}

/**
 * The product of two layers, element by element.
 * @param layer of any shape, which is also the shape of the output.
 * @param other of the same shape; or [batch, 1, 1, channels] or [batch, channels], a factor for each channel of the maps
 * [batch, height, width, channels].
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

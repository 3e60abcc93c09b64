import { concatenate } from '../../engine/kernels/concat/operation.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** Puts the channels of layers beside each other, as Inception modules and DenseNets do. */
export const concat: Layer<object> = {
  kind: 'concat',
  prefix: 'concat',
  keepsNonNegative: true,
  plan(inputs, _, fail) {
    const [first = []] = inputs;
    const differs = inputs.some((shape) => String(shape.slice(0, -1)) !== String(first.slice(0, -1)));
    if (inputs.length < 2 || differs || inputs.some(({ length }) => length !== first.length))
      fail(
        `needs two or more inputs of the same height and width, but has ${inputs.map((shape) => `[${shape}]`).join(' and ')}`,
      );
    const channels = inputs.reduce((sum, shape) => sum + (shape.at(-1) as number), 0);
    return { outputShape: [...first.slice(0, -1), channels] };
  },
  forward: (inputs) => concatenate(inputs),
};

/**
 * Puts the channels of layers beside each other, in their order.
 * [batch, height, width, channels] each -> [batch, height, width, sum of channels]; [batch, features] likewise.
 * @param layers two or more, of the same height and width.
 * @throws {UserError} naming the layer, where their shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { concatLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = concatLayer([tf.zeros([2, 7, 7, 64]), tf.zeros([2, 7, 7, 32])]);
 * console.log(maps.shape); // [2, 7, 7, 96]
 * await engine.dispose();
 * ```
 */
export function concatLayer<V extends Value>(layers: V[], builder: Builder = new Scope()): V {
  return builder.apply(concat, layers, {}) as V;
}

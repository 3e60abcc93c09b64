import '../../engine/gradients.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

export interface ActivationAttributes {
  function: 'relu';
}

/** A function of every element. */
export const activation: Layer<ActivationAttributes> = {
  kind: 'activation',
  prefix: 'relu',
  isElementwise: true,
  isPerChannel: true,
  isNonNegative: () => true,
  plan: ([shape = []]) => ({ outputShape: shape }),
  forward: ([x]) => tf.relu(x as tf.Tensor),
};

/**
 * The rectified linear unit, max(0, x), of every element; the shape stays.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { activationLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * console.log(activationLayer(tf.tensor1d([-1, 0, 2])).dataSync()); // Float32Array [0, 0, 2]
 * await engine.dispose();
 * ```
 */
export function activationLayer<V extends Value>(layer: V, builder: Builder = new Scope()): V {
  return builder.apply(activation, [layer], { function: 'relu' }) as V;
}

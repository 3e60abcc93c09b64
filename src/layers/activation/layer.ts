import '../../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
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

/** The rectified linear unit, max(0, x), of every element; the shape stays. */
export function activationLayer<V extends Value>(layer: V, builder: Builder = new Scope()): V {
  return builder.apply(activation, [layer], { function: 'relu' }) as V;
}

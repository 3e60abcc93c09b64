import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { Scope } from './scope.ts';

/** The rectified linear unit, max(0, x), of every element; the shape stays. */
export function activationLayer<T extends tf.Tensor>(layer: T, scope = new Scope()): T {
  const shape = layer.shape.slice(1);
  const summary = {
    name: scope.nextName('relu'),
    kind: 'activation' as const,
    inputShape: shape,
    outputShape: shape,
    variables: [],
    attributes: { function: 'relu' },
  };
  return scope.add(summary, [layer], tf.relu(layer));
}

import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { Scope } from './scope.ts';

/** Clones: tfjs disposes of a gradient that it has added to another. */
const sum = tf.customGrad((...inputs) => {
  const [a, b] = inputs as [tf.Tensor, tf.Tensor];
  return { value: tf.add(a, b), gradFunc: (dy: tf.Tensor) => [tf.clone(dy), tf.clone(dy)] };
});

/**
 * The sum of two layers, element by element, as a residual connection needs it (He et al. 2016); the shape stays.
 * @throws {UserError} naming the layer, where their shapes differ.
 */
export function addLayer<T extends tf.Tensor>(layer: T, other: T, scope = new Scope()): T {
  const name = scope.nextName('add');
  if (String(layer.shape) !== String(other.shape)) {
    throw new UserError(
      `${name}: expected two inputs of one shape, got [${layer.shape}] and [${other.shape}].`,
    );
  }
  const shape = layer.shape.slice(1);
  const summary = {
    name,
    kind: 'add' as const,
    inputShape: shape,
    outputShape: shape,
    variables: [],
    attributes: {},
  };
  return scope.add(summary, [layer, other], sum(layer, other) as T);
}

import '../../engine/gradients.ts';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { checkSizes } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

export interface FullyConnectedAttributes {
  outputs: number;
}

/** Connects every input to every output: x * weights + biases. */
export const fullyConnected: Layer<FullyConnectedAttributes> = {
  kind: 'fullyConnected',
  prefix: 'fc',
  plan([shape = []], { outputs }, fail) {
    checkSizes({ outputs }, fail);
    const [inputs] = shape as [number];
    if (shape.length !== 1)
      fail(`needs features [features], but its input is [${shape}]; put a flattening layer before it`);
    return {
      outputShape: [outputs],
      variables: [
        { name: 'weights', shape: [inputs, outputs], initial: 'random' },
        { name: 'biases', shape: [outputs], initial: 0.05 },
      ],
    };
  },
  forward([a], { weights: b, biases: bias }) {
    const attributes = { transposeA: false, transposeB: false, activation: 'linear' };
    const inputs = { a, b, bias } as tf.NamedTensorMap;
    return tf.engine().runKernel('_FusedMatMul', inputs, attributes) as tf.Tensor;
  },
};

export interface FullyConnectedOptions {
  /** Number of input features. */
  inputs: number;
  /** Number of output features. */
  outputs: number;
  /** The layer's name; default 'fc1', 'fc2' ... */
  name?: string;
}

/**
 * Connects every input to every output: x * weights + biases. [batch, inputs] -> [batch, outputs]
 * @throws {UserError} naming the layer, where the shapes do not fit.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { fullyConnectedLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const features = tf.zeros([2, 3136]);
 * console.log(fullyConnectedLayer(features, { inputs: 3136, outputs: 10 }).shape); // [2, 10]
 * await engine.dispose();
 * ```
 */
export function fullyConnectedLayer<V extends Value>(
  layer: V,
  { inputs, outputs, name }: FullyConnectedOptions,
  builder: Builder = new Scope(),
): V {
  if (layer.shape.length === 2 && layer.shape[1] !== inputs)
    builder.fail(
      fullyConnected,
      { outputs },
      `has inputs: ${inputs}, but its input has ${layer.shape[1]} features; use the size that the flattening layer returns`,
    );
  return builder.apply(fullyConnected, [layer], { outputs }, name) as V;
}

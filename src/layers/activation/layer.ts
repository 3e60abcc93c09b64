import '../../engine/gradients.ts';
import {
  type ActivationAttributes,
  type ActivationFunction,
  activate,
  activationFunctions,
} from '../../engine/kernels/activation/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

export type { ActivationAttributes, ActivationFunction } from '../../engine/kernels/activation/operation.ts';

const nonNegative: ActivationFunction[] = ['relu', 'relu6', 'sigmoid', 'hardSigmoid'];

/** Applies a function to every element. */
export const activation: Layer<ActivationAttributes> = {
  kind: 'activation',
  prefix: ({ function: name }) => (name === 'relu' ? 'relu' : 'activation'),
  isElementwise: true,
  isPerChannel: true,
  isNonNegative: ({ function: name }) => nonNegative.includes(name),
  plan([shape = []], { function: name, alpha }, fail) {
    if (!activationFunctions.includes(name))
      fail(`has the function ${name}; bat-sup has ${activationFunctions.join(', ')}`);
    if (name === 'leakyRelu' && !Number.isFinite(alpha)) fail(`needs alpha to be a number, not ${alpha}`);
    return { outputShape: shape };
  },
  forward: ([x], _, attributes) => activate(x as tf.Tensor, attributes),
};

export interface ActivationOptions {
  /** Default 'relu'. */
  function?: ActivationFunction;
  /** The slope of leakyRelu below 0; default 0.2, as in TensorFlow.js (Keras has 0.3, PyTorch 0.01). */
  alpha?: number;
}

/**
 * Applies an activation function to every element, by default the rectified linear unit max(0, x).
 * @param layer of any shape, which is also the shape of the output.
 * @throws {UserError} naming the layer, where the function is not known.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { activationLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * console.log(activationLayer(tf.tensor1d([-1, 0, 2])).dataSync()); // Float32Array [0, 0, 2]
 * console.log(activationLayer(tf.tensor1d([-1, 0, 9]), { function: 'relu6' }).dataSync()); // [0, 0, 6]
 * await engine.dispose();
 * ```
 */
export function activationLayer<V extends Value>(
  layer: V,
  options?: ActivationOptions,
  builder: Builder = new Scope(),
): V {
  const { function: name = 'relu', alpha = 0.2 } = options ?? {};
  return builder.apply(activation, [layer], { function: name, ...(name === 'leakyRelu' && { alpha }) }) as V;
}

import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { checkSizes } from './check_shape.ts';
import { connections } from './connections.ts';
import { Scope } from './scope.ts';

export interface FullyConnectedOptions {
  inputs: number;
  outputs: number;
  /** The layer's name where 'fc1', 'fc2' ... would say too little, e.g. 'logits'. */
  name?: string;
}

/**
 * Every input connected to every output, plus bias. [batch, inputs] -> [batch, outputs]
 * @throws {UserError} naming the layer, where the shapes do not fit.
 */
export function fullyConnectedLayer(
  layer: tf.Tensor,
  options: FullyConnectedOptions,
  scope = new Scope(),
): tf.Tensor2D {
  const { inputs, outputs, name = scope.nextName('fc') } = options;
  checkSizes(name, { inputs, outputs });
  if (layer.rank !== 2 || layer.shape[1] !== inputs) {
    throw new UserError(
      `${name}: expected an input of shape [batch, ${inputs}], got [${layer.shape}]; ` +
        'take the size that the flattening layer returns.',
    );
  }
  const { weights, biases, variables } = connections(scope, name, [inputs, outputs]);
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' };
  const inputsOfKernel = { a: layer, b: weights, bias: biases };
  const output = tf.engine().runKernel('_FusedMatMul', inputsOfKernel, attributes) as tf.Tensor2D;
  const summary = {
    name,
    kind: 'fullyConnected' as const,
    inputShape: [inputs],
    outputShape: [outputs],
    variables,
    attributes: {},
  };
  return scope.add(summary, [layer], output);
}

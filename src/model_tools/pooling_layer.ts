import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { checkFeatureMaps, checkSizes } from './check_shape.ts';
import { Scope } from './scope.ts';

export interface PoolingOptions {
  /** Height and width of the window, pixels. */
  kernel: number;
  /** Pixels from one window to the next. */
  stride: number;
}

/**
 * Max-pooling with SAME padding.
 * [batch, height, width, channels] -> [batch, ceil(height / stride), ceil(width / stride), channels]
 * @throws {UserError} naming the layer, where the shapes do not fit.
 */
export function poolingLayer(layer: tf.Tensor, options: PoolingOptions, scope = new Scope()): tf.Tensor4D {
  const { kernel, stride } = options;
  const name = scope.nextName('pool');
  checkFeatureMaps(name, layer);
  checkSizes(name, { kernel, stride });
  const output = tf.maxPool(layer, kernel, stride, 'same');
  const summary = {
    name,
    kind: 'pool' as const,
    inputShape: layer.shape.slice(1),
    outputShape: output.shape.slice(1),
    variables: [],
    attributes: { kernel, stride },
  };
  return scope.add(summary, [layer], output);
}

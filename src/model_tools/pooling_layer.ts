import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { checkFeatureMaps, checkSizes, checkWindow } from './check_shape.ts';
import { type Padding, paddingAttribute } from './padding.ts';
import { Scope } from './scope.ts';

export interface PoolingOptions {
  /** Height and width of the window, pixels. */
  kernel: number;
  /** Pixels from one window to the next. */
  stride: number;
  /** Default 'same'. */
  padding?: Padding;
}

/**
 * Max-pooling.
 * [batch, height, width, channels] -> [batch, ceil(height / stride), ceil(width / stride), channels];
 * without padding [..., floor((height - kernel) / stride) + 1, floor((width - kernel) / stride) + 1, ...].
 * @throws {UserError} naming the layer, where the shapes do not fit.
 */
export function poolingLayer(layer: tf.Tensor, options: PoolingOptions, scope = new Scope()): tf.Tensor4D {
  const { kernel, stride, padding = 'same' } = options;
  const name = scope.nextName('pool');
  checkFeatureMaps(name, layer);
  checkSizes(name, { kernel, stride });
  checkWindow(name, layer, { kernel, padding });
  const output = tf.maxPool(layer, kernel, stride, padding);
  const summary = {
    name,
    kind: 'pool' as const,
    inputShape: layer.shape.slice(1),
    outputShape: output.shape.slice(1),
    variables: [],
    attributes: { kernel, stride, ...paddingAttribute(padding) },
  };
  return scope.add(summary, [layer], output);
}

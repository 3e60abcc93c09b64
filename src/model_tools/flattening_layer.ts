import '../engine/gradients.ts';
import * as tf from '@tensorflow/tfjs-core';
import { checkFeatureMaps } from './check_shape.ts';
import { Scope } from './scope.ts';

/**
 * Feature maps to one row a picture. [batch, height, width, channels] -> layer [batch, size],
 * with size = height * width * channels.
 * @throws {UserError} naming the layer, where the input is no feature map.
 */
export function flatteningLayer(layer: tf.Tensor, scope = new Scope()): { layer: tf.Tensor2D; size: number } {
  checkFeatureMaps('flatten', layer);
  const [, height, width, channels] = layer.shape;
  const size = height * width * channels;
  const summary = {
    name: 'flatten',
    kind: 'flatten' as const,
    inputShape: [height, width, channels],
    outputShape: [size],
    variables: [],
    attributes: {},
  };
  return { layer: scope.add(summary, [layer], tf.reshape(layer, [-1, size])), size };
}

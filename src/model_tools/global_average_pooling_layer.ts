import * as tf from '@tensorflow/tfjs-core';
import { checkFeatureMaps } from './check_shape.ts';
import { Scope } from './scope.ts';

const average = tf.customGrad((...inputs) => {
  const x = inputs[0] as tf.Tensor4D;
  const [batch, height, width, channels] = x.shape;
  const gradient = (dy: tf.Tensor) => {
    const share = tf.reshape(tf.div(dy, height * width), [batch, 1, 1, channels]);
    return tf.tile(share, [1, height, width, 1]);
  };
  return { value: tf.mean(x, [1, 2]), gradFunc: gradient };
});

/**
 * The mean of each feature map. [batch, height, width, channels] -> [batch, channels]
 * @throws {UserError} naming the layer, where the input is no feature map.
 */
export function globalAveragePoolingLayer(layer: tf.Tensor, scope = new Scope()): tf.Tensor2D {
  const name = scope.nextName('average');
  checkFeatureMaps(name, layer);
  const summary = {
    name,
    kind: 'globalAveragePool' as const,
    inputShape: layer.shape.slice(1),
    outputShape: layer.shape.slice(3),
    variables: [],
    attributes: {},
  };
  return scope.add(summary, [layer], average(layer) as tf.Tensor2D);
}

import type * as tf from '@tensorflow/tfjs-core';
import { activationLayer } from './activation_layer.ts';
import { addLayer } from './add_layer.ts';
import { type BatchNormOptions, batchNormLayer } from './batch_norm_layer.ts';
import { type ConvOptions, convLayer } from './conv_layer.ts';
import { type DropoutOptions, dropoutLayer } from './dropout_layer.ts';
import { flatteningLayer } from './flattening_layer.ts';
import { type FullyConnectedOptions, fullyConnectedLayer } from './fully_connected_layer.ts';
import { globalAveragePoolingLayer } from './global_average_pooling_layer.ts';
import { type PoolingOptions, poolingLayer } from './pooling_layer.ts';
import type { Scope } from './scope.ts';
import { sidesOf, type ZeroPaddingOptions, zeroPaddingLayer } from './zero_padding_layer.ts';

export { addBiases } from './add_biases.ts';
export { addWeights } from './add_weights.ts';
export { type Padding, paddingOf } from './padding.ts';
export { type LayerWatch, type LearningPass, Scope } from './scope.ts';
export type { LayerSummary } from './types.ts';
export { variablesOf } from './variables_of.ts';
export type {
  BatchNormOptions,
  ConvOptions,
  DropoutOptions,
  FullyConnectedOptions,
  PoolingOptions,
  ZeroPaddingOptions,
};
export {
  activationLayer,
  addLayer,
  batchNormLayer,
  convLayer,
  dropoutLayer,
  flatteningLayer,
  fullyConnectedLayer,
  globalAveragePoolingLayer,
  poolingLayer,
  sidesOf,
  zeroPaddingLayer,
};

/** The layers, all keeping their variables in one scope: what an architecture is written with. */
export function modelTools(scope: Scope) {
  return {
    convLayer: (layer: tf.Tensor, options: ConvOptions) => convLayer(layer, options, scope),
    poolingLayer: (layer: tf.Tensor, options: PoolingOptions) => poolingLayer(layer, options, scope),
    activationLayer: <T extends tf.Tensor>(layer: T) => activationLayer(layer, scope),
    flatteningLayer: (layer: tf.Tensor) => flatteningLayer(layer, scope),
    batchNormLayer: <T extends tf.Tensor>(layer: T, options: BatchNormOptions = {}) =>
      batchNormLayer(layer, options, scope),
    addLayer: <T extends tf.Tensor>(layer: T, other: T) => addLayer(layer, other, scope),
    globalAveragePoolingLayer: (layer: tf.Tensor) => globalAveragePoolingLayer(layer, scope),
    dropoutLayer: <T extends tf.Tensor>(layer: T, options: DropoutOptions) =>
      dropoutLayer(layer, options, scope),
    zeroPaddingLayer: (layer: tf.Tensor, options: ZeroPaddingOptions) =>
      zeroPaddingLayer(layer, options, scope),
    fullyConnectedLayer: (layer: tf.Tensor, options: FullyConnectedOptions) =>
      fullyConnectedLayer(layer, options, scope),
  };
}

export type ModelTools = ReturnType<typeof modelTools>;

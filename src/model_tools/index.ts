import type * as tf from '@tensorflow/tfjs-core';
import { activationLayer } from './activation_layer.ts';
import { type ConvOptions, convLayer } from './conv_layer.ts';
import { flatteningLayer } from './flattening_layer.ts';
import { type FullyConnectedOptions, fullyConnectedLayer } from './fully_connected_layer.ts';
import { type PoolingOptions, poolingLayer } from './pooling_layer.ts';
import type { Scope } from './scope.ts';

export { addBiases } from './add_biases.ts';
export { addWeights } from './add_weights.ts';
export { type LayerWatch, Scope } from './scope.ts';
export type { LayerSummary } from './types.ts';
export type { ConvOptions, FullyConnectedOptions, PoolingOptions };
export { activationLayer, convLayer, flatteningLayer, fullyConnectedLayer, poolingLayer };

/** The layers, all keeping their variables in one scope: what an architecture is written with. */
export function modelTools(scope: Scope) {
  return {
    convLayer: (layer: tf.Tensor, options: ConvOptions) => convLayer(layer, options, scope),
    poolingLayer: (layer: tf.Tensor, options: PoolingOptions) => poolingLayer(layer, options, scope),
    activationLayer: <T extends tf.Tensor>(layer: T) => activationLayer(layer, scope),
    flatteningLayer: (layer: tf.Tensor) => flatteningLayer(layer, scope),
    fullyConnectedLayer: (layer: tf.Tensor, options: FullyConnectedOptions) =>
      fullyConnectedLayer(layer, options, scope),
  };
}

export type ModelTools = ReturnType<typeof modelTools>;

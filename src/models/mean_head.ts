import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTools } from '../model_tools/index.ts';

/** The mean of each map, of which dropout drops some, and the fully connected layer that gives the logits. */
export function meanHead(
  tools: ModelTools,
  maps: tf.Tensor4D,
  { classes, dropout }: { classes: number; dropout: number },
): tf.Tensor2D {
  let features = tools.globalAveragePoolingLayer(maps);
  if (dropout > 0) features = tools.dropoutLayer(features, { rate: dropout });
  return tools.fullyConnectedLayer(features, { inputs: maps.shape[3], outputs: classes, name: 'logits' });
}

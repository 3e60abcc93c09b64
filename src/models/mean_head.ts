import type { ModelTools, Value } from '../layers/index.ts';

/** Global average pooling, and the fully connected layer that computes the logits. */
export function meanHead(tools: ModelTools, maps: Value, classes: number): Value {
  const features = tools.globalAveragePoolingLayer(maps);
  const inputs = maps.shape[3] as number;
  return tools.fullyConnectedLayer(features, { inputs, outputs: classes, name: 'logits' });
}

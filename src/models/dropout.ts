import type { Blueprint } from './plan.ts';

/**
 * Inserts dropout before the last layer, the logits. It belongs to training: checkpoints hold the layers without it.
 * @param rate share of the features that are dropped, 0 to below 1.
 */
export function withDropout(layers: Blueprint[], rate: number): Blueprint[] {
  const logits = layers.at(-1);
  if (rate === 0 || !logits) return layers;
  const dropout = { name: 'dropout1', kind: 'dropout', inputs: logits.inputs, attributes: { rate } };
  return [...layers.slice(0, -1), dropout, { ...logits, inputs: [dropout.name] }];
}

import type { Attributes, LayerSummary, NetworkPlan } from '../layers/index.ts';
import type { ModelDescription } from './description.ts';
import { planArchitecture } from './plan.ts';

/** Attributes that manifests of older versions leave to the layer's shapes and variables. */
const missing: Record<string, (layer: LayerSummary) => Attributes> = {
  conv: ({ outputShape, variables }) => ({
    padding: 'same',
    outputChannels: outputShape[2] as number,
    biases: variables.length > 1,
  }),
  pool: () => ({ padding: 'same' }),
  fullyConnected: ({ outputShape }) => ({ outputs: outputShape[0] as number }),
};

/** Layers as this version describes them. The attributes that a manifest holds keep their order and their values. */
export function completed(layers: LayerSummary[]): LayerSummary[] {
  return layers.map((layer) => ({
    ...layer,
    attributes: { ...layer.attributes, ...missing[layer.kind]?.(layer), ...layer.attributes },
  }));
}

/**
 * The network of a checkpoint that names its architecture alone. Its networks may begin with fewer channels than today's.
 * @param restored values by variable name; the first convolution's weights are [3, 3, channels, first channels].
 */
export function planOfOlder(description: ModelDescription, restored: Map<string, Float32Array>): NetworkPlan {
  const first = restored.get('conv1/weights');
  const firstChannels = first && Math.ceil(first.length / (3 * 3 * description.channels));
  return planArchitecture(description.architecture, description, firstChannels);
}

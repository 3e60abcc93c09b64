import type { Attributes, LayerSummary, NetworkPlan } from '../layers/index.ts';
import type { ModelDescription } from './description.ts';
import { planArchitecture } from './plan.ts';

/** Attributes that manifests of older versions lack; they follow from the layer's shapes and variables. */
const missing: Record<string, (layer: LayerSummary) => Attributes> = {
  conv: ({ outputShape, variables }) => ({
    padding: 'same',
    outputChannels: outputShape[2] as number,
    biases: variables.length > 1,
  }),
  pool: () => ({ padding: 'same' }),
  fullyConnected: ({ outputShape }) => ({ outputs: outputShape[0] as number }),
};

/** Adds the attributes that layers in manifests of older versions lack; those that a manifest holds keep their order and values. */
export function completed(layers: LayerSummary[]): LayerSummary[] {
  return layers.map((layer) => ({
    ...layer,
    attributes: { ...layer.attributes, ...missing[layer.kind]?.(layer), ...layer.attributes },
  }));
}

/**
 * Plans the network of an older checkpoint, which holds the architecture's name but no layers. Its first stage may have
 * fewer channels than in this version.
 * @param restored values by variable name; the first convolution's weights are [3, 3, channels, first channels].
 */
export function planOfOlder(description: ModelDescription, restored: Map<string, Float32Array>): NetworkPlan {
  const first = restored.get('conv1/weights');
  const firstChannels = first && Math.ceil(first.length / (3 * 3 * description.channels));
  return planArchitecture(description.architecture, description, firstChannels);
}

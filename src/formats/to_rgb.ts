import { UserError } from '../errors.ts';
import { type LayerSummary, layerOf } from '../layers/index.ts';
import { withChannelsReversed } from '../models/preprocessing.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { Network } from './format.ts';

/**
 * Converts a network that reads BGR into one that reads RGB: the input channels of its first convolutions are
 * reversed, and so are its mean and deviation.
 * @throws {UserError} where another layer with weights reads the pictures.
 */
export function toRgb(network: Network): Network {
  const { preprocessing } = network;
  if (preprocessing.order !== 'bgr' || network.model.channels === 1) return network;
  const weights = new Map(network.weights);
  for (const layer of readersOfColours(network.layers)) {
    const kernel = weights.get(`${layer.name}/weights`);
    if (layer.kind !== 'conv' || layer.attributes.groups !== undefined || !kernel)
      throw new UserError(
        `${layer.name} reads BGR pictures and is not a convolution of all colours; export as tf-checkpoint or saved-model instead.`,
      );
    weights.set(kernel.name, { ...kernel, values: withInputsReversed(kernel) });
  }
  return { ...network, preprocessing: withChannelsReversed(preprocessing), weights };
}

/** The first layers that mix the colours or have weights for each; padding and the like may come before them. */
function readersOfColours(layers: LayerSummary[]): LayerSummary[] {
  /** Layers whose output channels are the pictures'. */
  const coloured = new Set<string>();
  return layers.filter((layer) => {
    const readsColours = layer.inputs.length === 0 || layer.inputs.some((name) => coloured.has(name));
    if (!readsColours) return false;
    if (!layerOf(layer).isPerChannel) return true;
    coloured.add(layer.name);
    return false;
  });
}

/** @param kernel [height, width, 3, out] */
function withInputsReversed({ shape, values }: { shape: number[]; values: Float32Array }): Float32Array {
  const outputs = shape[3] as number;
  const reversed = new Float32Array(values.length);
  for (let row = 0; row < sizeOf(shape) / outputs; row++) {
    const channel = row % 3;
    const from = (row - channel + (2 - channel)) * outputs;
    reversed.set(values.subarray(from, from + outputs), row * outputs);
  }
  return reversed;
}

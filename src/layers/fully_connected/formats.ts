import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { rowsToHwc, type Tensor } from '../../tensors/tensors.ts';
import { type FullyConnectedAttributes, fullyConnected } from './layer.ts';

const zeros = (length: number): Tensor => ({ shape: [length], values: new Float32Array(length) });

/** @param weights [in, out] */
export function addFullyConnected(
  builder: NetworkBuilder,
  { chwOf, ...input }: Value,
  { weights, biases }: { weights: Tensor; biases?: Tensor | undefined },
  where: string,
): Value {
  const [inputs, outputs] = weights.shape as [number, number];
  if (weights.shape.length !== 2)
    builder.fail(where, `has weights of shape [${weights.shape}] instead of two axes`);
  if (input.shape.length !== 1 || input.shape[0] !== inputs)
    builder.fail(where, `takes ${inputs} features, its input is [${input.shape}]`);
  const tensors = {
    weights: chwOf ? rowsToHwc(weights, chwOf) : weights,
    biases: biases ?? zeros(outputs),
  };
  return builder.add(fullyConnected, [input], { outputs }, tensors, where);
}

export const formats: LayerFormats<FullyConnectedAttributes> = {
  layer: fullyConnected,
};

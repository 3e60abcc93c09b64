import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { type BatchNormAttributes, batchNorm } from './layer.ts';

/** Tensors of one value per channel; without scale 1, without offset 0. */
interface BatchNormParts {
  epsilon: number;
  scale?: Tensor | undefined;
  offset?: Tensor | undefined;
  mean: Tensor;
  variance: Tensor;
}

export function addBatchNorm(
  builder: NetworkBuilder,
  input: Value,
  { epsilon, ...parts }: BatchNormParts,
  where: string,
): Value {
  if (input.chwOf) builder.fail(where, 'normalises flattened maps; bat-sup normalises before flattening');
  const channels = input.shape.at(-1) as number;
  const all = (value: number): Tensor => ({
    shape: [channels],
    values: new Float32Array(channels).fill(value),
  });
  const tensors = { ...parts, scale: parts.scale ?? all(1), offset: parts.offset ?? all(0) };
  return builder.add(batchNorm, [input], { epsilon }, tensors, where);
}

export const formats: LayerFormats<BatchNormAttributes> = {
  layer: batchNorm,
};

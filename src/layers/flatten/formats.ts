import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { flatten } from './layer.ts';

/** @param order in which the maps' values are in the result. */
export function addFlatten(
  builder: NetworkBuilder,
  input: Value,
  order: 'hwc' | 'chw',
  where: string,
): Value {
  if (input.shape.length === 1) return input;
  const output = builder.add(flatten, [input], {}, {}, where);
  return order === 'chw' ? { ...output, chwOf: input.shape } : output;
}

export const formats: LayerFormats<object> = {
  layer: flatten,
};

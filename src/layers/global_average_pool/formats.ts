import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { globalAveragePool } from './layer.ts';

export function addGlobalAveragePool(builder: NetworkBuilder, input: Value, where: string): Value {
  return builder.add(globalAveragePool, [input], {}, {}, where);
}

export const formats: LayerFormats<object> = {
  layer: globalAveragePool,
};

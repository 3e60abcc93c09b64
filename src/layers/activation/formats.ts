import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type ActivationAttributes, activation } from './layer.ts';

export function addRelu(builder: NetworkBuilder, input: Value, where: string): Value {
  return builder.add(activation, [input], { function: 'relu' }, {}, where);
}

export const formats: LayerFormats<ActivationAttributes> = {
  layer: activation,
};

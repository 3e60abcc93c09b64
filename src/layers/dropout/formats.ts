import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type DropoutOptions, dropout } from './layer.ts';

export function addDropout(builder: NetworkBuilder, input: Value, rate: number, where: string): Value {
  return builder.add(dropout, [input], { rate }, {}, where);
}

export const formats: LayerFormats<DropoutOptions> = {
  layer: dropout,
};

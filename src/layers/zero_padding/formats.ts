import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type ZeroPaddingOptions, zeroPadding } from './layer.ts';

/** @param sides [top, left, bottom, right] */
export function addZeroPadding(builder: NetworkBuilder, input: Value, sides: number[], where: string): Value {
  if (sides.length !== 4) builder.fail(where, `pads by [${sides}]`);
  const [top, left, bottom, right] = sides as [number, number, number, number];
  return builder.add(zeroPadding, [input], { top, left, bottom, right }, {}, where);
}

export const formats: LayerFormats<ZeroPaddingOptions> = {
  layer: zeroPadding,
};

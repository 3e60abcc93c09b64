import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { add } from './layer.ts';

export function addAddition(builder: NetworkBuilder, one: Value, other: Value, where: string): Value {
  if (!one.layer || !other.layer)
    builder.fail(where, 'adds the pictures themselves; bat-sup adds what layers give');
  return builder.add(add, [one, other], {}, {}, where);
}

export const formats: LayerFormats<object> = {
  layer: add,
};

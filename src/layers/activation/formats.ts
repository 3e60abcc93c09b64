import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { activation } from './layer.ts';

export function addRelu(builder: NetworkBuilder, input: Value, where: string): Value {
  return builder.add(activation, [input], { function: 'relu' }, {}, where);
}

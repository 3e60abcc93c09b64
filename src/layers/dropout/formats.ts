import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { dropout } from './layer.ts';

export function addDropout(builder: NetworkBuilder, input: Value, rate: number, where: string): Value {
  return builder.add(dropout, [input], { rate }, {}, where);
}

import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { placeWindow, type Window } from '../../formats/windows.ts';
import { pool } from './layer.ts';

export function addMaxPool(builder: NetworkBuilder, input: Value, theirs: Window, where: string): Value {
  const { input: padded, window } = placeWindow(builder, input, theirs, where);
  // Other libraries pad with minus infinity: the same as zeros only where nothing is below them.
  if (padded !== input && !input.isNonNegative)
    builder.fail(
      where,
      `pads by [${theirs.padding}] maps that no ReLU gives, which bat-sup's pooling cannot`,
    );
  return builder.add(pool, [padded], window, {}, where);
}

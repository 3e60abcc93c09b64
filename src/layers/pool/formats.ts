import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type Window as FileWindow, placeWindow } from '../../formats/windows.ts';
import type { Window } from '../window.ts';
import { pool } from './layer.ts';

export function addMaxPool(builder: NetworkBuilder, input: Value, theirs: FileWindow, where: string): Value {
  const { input: padded, window } = placeWindow(builder, input, theirs, where);
  // Other libraries pad with minus infinity: the same as zeros only where nothing is below them.
  if (padded !== input && !input.isNonNegative)
    builder.fail(
      where,
      `pads by [${theirs.padding}] maps that no ReLU gives, which bat-sup's pooling cannot`,
    );
  return builder.add(pool, [padded], window, {}, where);
}

export const formats: LayerFormats<Window> = {
  layer: pool,
};

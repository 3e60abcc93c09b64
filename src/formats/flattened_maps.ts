import type { LayerSummary } from '../layers/index.ts';

/** The shape [height, width, channels] of the maps that were flattened into this layer's input, if they were. */
export function flattenedMaps(layer: LayerSummary, byName: Map<string, LayerSummary>): number[] | undefined {
  for (let before = byName.get(layer.inputs[0] ?? ''); before; before = byName.get(before.inputs[0] ?? '')) {
    if (before.kind === 'flatten') return before.inputShape;
    if (before.outputShape.length !== 1 || before.variables.length > 0) return undefined;
  }
  return undefined;
}

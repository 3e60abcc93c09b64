import type { LayerSummary } from '../layers/index.ts';

/** The shapes of the layers that a layer reads, without the batch; of a layer that reads the pictures, theirs. */
export function inputShapesOf(layer: LayerSummary, byName: ReadonlyMap<string, LayerSummary>): number[][] {
  if (layer.inputs.length === 0) return [layer.inputShape];
  return layer.inputs.map((name) => (byName.get(name) as LayerSummary).outputShape);
}

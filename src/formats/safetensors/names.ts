import type { LayerSummary } from '../../layers/index.ts';

type Named = Pick<LayerSummary, 'name'>;

/** 'conv1', 'weight' -> 'conv1.weight', as the state_dict of a module names it. */
export function nameInPyTorch({ name }: Named, tensor: string): string {
  return [...name.split('/'), tensor].join('.');
}

/** PyTorch's modules with moving averages count their batches, and want the count. */
export function countersOf(layer: LayerSummary): string[] {
  return layer.state ? [nameInPyTorch(layer, 'num_batches_tracked')] : [];
}

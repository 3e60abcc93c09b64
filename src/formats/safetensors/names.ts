import type { LayerSummary } from '../../layers/index.ts';

type Named = Pick<LayerSummary, 'name'>;

/** A tensor's name in PyTorch's state_dict: 'conv1', 'weight' -> 'conv1.weight'. */
export function nameInPyTorch({ name }: Named, tensor: string): string {
  return [...name.split('/'), tensor].join('.');
}

/** Names of the batch counters, which PyTorch requires of modules with moving averages. */
export function countersOf(layer: LayerSummary): string[] {
  return layer.state ? [nameInPyTorch(layer, 'num_batches_tracked')] : [];
}

import type { LayerSummary } from '../../layers/index.ts';
import { rowsToChw, type Tensor, toOihw, transpose } from '../../tensors/tensors.ts';

/** Our names for a layer's variables -> PyTorch's. */
const suffixes: Record<string, string> = {
  weights: 'weight',
  biases: 'bias',
  scale: 'weight',
  offset: 'bias',
  mean: 'running_mean',
  variance: 'running_var',
};

/** 'conv1/weights' -> 'conv1.weight', as the state_dict of a module names it. */
export function pyTorchName(variable: string): string {
  const parts = variable.split('/');
  const last = parts.pop() as string;
  return [...parts, suffixes[last] ?? last].join('.');
}

/** 'conv1.weight' -> 'conv1/weights', or 'conv1/scale' if it should be a normalisation. */
export function ourNames(name: string): string[] {
  const parts = name.split('.');
  const last = parts.pop() as string;
  const owns = Object.entries(suffixes).filter(([, theirs]) => theirs === last);
  return owns.map(([own]) => [...parts, own].join('/'));
}

/**
 * A variable as PyTorch keeps it: kernels [out, in, height, width], matrices [out, in], the features of flattened maps
 * channel by channel.
 * @param maps that were flattened into what the layer reads, if they were.
 */
export function toPyTorch(
  variable: string,
  tensor: Tensor,
  kind: LayerSummary['kind'],
  maps?: number[],
): Tensor {
  if (!variable.endsWith('/weights')) return tensor;
  if (kind === 'conv') return toOihw(tensor);
  return transpose(maps ? rowsToChw(tensor, maps) : tensor);
}

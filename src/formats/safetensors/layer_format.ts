import type { Tensor } from '../../tensors/tensors.ts';

/** A variable as a module of PyTorch keeps it. */
export interface PyTorchTensor {
  /** Its name in the module's state_dict, e.g. 'weight'. */
  name: string;
  /** Ours in PyTorch's layout; unchanged where absent. @param maps that were flattened into what the layer reads. */
  toPyTorch?(tensor: Tensor, maps: number[] | undefined): Tensor;
  /** The way back. @throws {RangeError} saying what is wrong with the tensor's shape. */
  fromPyTorch?(tensor: Tensor, maps: number[] | undefined): Tensor;
}

/** How PyTorch keeps a layer's variables and state, by our names. */
export type PyTorchFormat = Record<string, PyTorchTensor>;

import type { Tensor } from '../../tensors/tensors.ts';

/** A variable of a layer in PyTorch's state_dict. */
export interface PyTorchTensor {
  /** Its name in the module's state_dict, e.g. 'weight'. */
  name: string;
  /**
   * Converts to PyTorch's layout; absent: the layouts are the same.
   * @param maps the shape [height, width, channels] of the maps that were flattened into the layer's input, if they were.
   */
  toPyTorch?(tensor: Tensor, maps: number[] | undefined): Tensor;
  /** Converts from PyTorch's layout. @throws {RangeError} saying what is wrong with the tensor's shape. */
  fromPyTorch?(tensor: Tensor, maps: number[] | undefined): Tensor;
}

/** A layer's variables and state in PyTorch, keyed by our names for them. */
export type PyTorchFormat = Record<string, PyTorchTensor>;

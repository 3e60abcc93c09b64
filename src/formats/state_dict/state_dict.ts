import type { Tensor } from '../../tensors/tensors.ts';

/** A tensor of a state_dict; its values are read when they are asked for, once their shape is known to be right. */
export interface StateTensor {
  shape: number[];
  /** As float32. @throws {UserError} where it is damaged, or float32 cannot hold its values. */
  read(): Tensor;
}

/** The tensors of PyTorch's modules by name, e.g. 'layer1.0.conv1.weight'. */
export type StateDict = Map<string, StateTensor>;

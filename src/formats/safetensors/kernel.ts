import type { Tensor } from '../../tensors/tensors.ts';
import type { PyTorchTensor } from './layer_format.ts';

type Permute = (kernel: Tensor) => Tensor;

/** The kernel of a convolution, which has four axes. */
export function kernelOfPyTorch(toPyTorch: Permute, fromPyTorch: Permute): PyTorchTensor {
  return {
    name: 'weight',
    toPyTorch,
    fromPyTorch(tensor) {
      if (tensor.shape.length !== 4)
        throw new RangeError(`has the shape [${tensor.shape}] instead of four axes`);
      return fromPyTorch(tensor);
    },
  };
}

import { tf } from '../../../tensors/tf.ts';
import { sumToChannels } from '../bias/operation.ts';

function multiply(a: tf.Tensor, b: tf.Tensor, transposed: { transposeA: boolean; transposeB: boolean }) {
  return tf.engine().runKernel('BatchMatMul', { a, b }, transposed) as tf.Tensor;
}

/** a [rows, inner], b [inner, columns], bias [columns] */
export const fusedMatMul: tf.GradConfig = {
  kernelName: '_FusedMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc(gradient, saved) {
    const dy = gradient as tf.Tensor;
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return {
      a: () => multiply(dy, b, { transposeA: false, transposeB: true }),
      b: () => multiply(a, dy, { transposeA: true, transposeB: false }),
      bias: () => sumToChannels(dy),
    };
  },
};

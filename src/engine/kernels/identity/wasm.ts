import type { tf } from '../../../tensors/tf.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

/**
 * A second tensor with the same memory, where tfjs's kernel copies. Clones keep every layer's input and output for the
 * backward pass, and what is updated in place (variables, by Adam) is not cloned for longer than that.
 */
export const identity: OwnKernel = {
  name: 'Identity',
  accepts: ({ x }) => x?.dtype !== 'string',
  run({ backend }, inputs) {
    const { dataId, shape, dtype } = inputs.x as tf.TensorInfo;
    backend.incRef(dataId);
    return { dataId, shape, dtype };
  },
};

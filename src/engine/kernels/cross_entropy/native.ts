import type { tf } from '../../../tensors/tf.ts';
import { execute, float32 } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { crossEntropyKernel } from './operation.ts';

export const crossEntropy: OwnKernel = {
  name: crossEntropyKernel,
  run(backend, { logits, targets }) {
    const ids = backend.getInputTensorIds([logits, targets] as tf.TensorInfo[]);
    const outputs = execute(backend, 'SoftmaxCrossEntropyWithLogits', { T: float32 }, ids, 2);
    return outputs.map((output) => backend.createOutputTensor(output));
  },
};

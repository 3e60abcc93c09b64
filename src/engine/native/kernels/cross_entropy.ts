import type * as tf from '@tensorflow/tfjs-core';
import { crossEntropyKernel } from '../../cross_entropy.ts';
import { execute, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

export const crossEntropy: OwnKernel = {
  name: crossEntropyKernel,
  run(backend, { logits, targets }) {
    const ids = backend.getInputTensorIds([logits, targets] as tf.TensorInfo[]);
    const outputs = execute(backend, 'SoftmaxCrossEntropyWithLogits', { T: float32 }, ids, 2);
    return outputs.map((output) => backend.createOutputTensor(output));
  },
};

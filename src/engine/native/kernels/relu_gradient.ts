import type * as tf from '@tensorflow/tfjs-core';
import { reluGradKernel } from '../../gradients.ts';
import { executeOnTensors, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run: (backend, { dy, y }) =>
    executeOnTensors(backend, 'ReluGrad', { T: float32 }, [dy, y] as tf.TensorInfo[]),
};

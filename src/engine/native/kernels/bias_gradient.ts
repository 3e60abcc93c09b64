import type * as tf from '@tensorflow/tfjs-core';
import { biasGradKernel } from '../../gradients.ts';
import { executeOnTensors, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

export const biasGradient: OwnKernel = {
  name: biasGradKernel,
  run: (backend, { dy }) =>
    executeOnTensors(backend, 'BiasAddGrad', { T: float32, data_format: 'NHWC' }, [dy as tf.TensorInfo]),
};

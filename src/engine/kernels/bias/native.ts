import type * as tf from '@tensorflow/tfjs-core';
import { executeOnTensors, float32 } from '../../native/backend.ts';
import { inputsOf } from '../../native/deferred.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { biasGradKernel } from './operation.ts';

/** What a max-pooling's gradient has scattered over zeros sums up to what it was before. */
export const biasGradient: OwnKernel = {
  name: biasGradKernel,
  run(backend, inputs) {
    const dy = inputs.dy as tf.TensorInfo;
    const scattered = inputsOf(dy, 'scattered');
    if (scattered) return executeOnTensors(backend, 'BatSupMaxPoolBiasGrad', {}, [...scattered]);
    return executeOnTensors(backend, 'BiasAddGrad', { T: float32, data_format: 'NHWC' }, [dy]);
  },
};

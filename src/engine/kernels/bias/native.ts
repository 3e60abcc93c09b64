import type { tf } from '../../../tensors/tf.ts';
import { executeOnTensors, float32 } from '../../native/backend.ts';
import { partsOf } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { biasGradKernel } from './operation.ts';

/** What the gradient of a max-pooling scatters over zeros has the same sum before it is scattered (native/fusion.ts). */
export const biasGradient: OwnKernel = {
  name: biasGradKernel,
  run(backend, inputs) {
    const dy = inputs.dy as tf.TensorInfo;
    const pooled = partsOf(dy, 'maxPoolGrad');
    if (pooled) return executeOnTensors(backend, 'BatSupMaxPoolBiasGrad', {}, [pooled.dy, pooled.indices]);
    return executeOnTensors(backend, 'BiasAddGrad', { T: float32, data_format: 'NHWC' }, [dy]);
  },
};

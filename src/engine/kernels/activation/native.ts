import type { tf } from '../../../tensors/tf.ts';
import { execute, executeOnTensors, firstId, float32 } from '../../native/backend.ts';
import { defer, partsOf } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { reluOfMaxPool } from '../max_pool/native.ts';
import { reluGradKernel } from './gradient.ts';

/** A relu after a max-pooling is fused with it (native/fusion.ts). */
export const relu: OwnKernel = {
  name: 'Relu',
  needs: 'operations',
  run(backend, inputs) {
    const x = inputs.x as tf.TensorInfo;
    return reluOfMaxPool(backend, x) ?? backend.executeSingleInput('Relu', x);
  },
};

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run(backend, inputs) {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    if (!partsOf(y, 'reluOfMaxPool')) return executeOnTensors(backend, 'ReluGrad', { T: float32 }, [dy, y]);
    return defer(backend, y.shape, 'reluGrad', { dy, y }, () =>
      firstId(execute(backend, 'ReluGrad', { T: float32 }, backend.getInputTensorIds([dy, y]))),
    );
  },
};

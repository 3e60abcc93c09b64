import type { tf } from '../../../tensors/tf.ts';
import { execute, executeOnTensors, firstId, float32, type OutputMetadata } from '../../native/backend.ts';
import { defer, partsOf } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { reluOfBatchNorm } from '../batch_norm/native.ts';
import { reluOfMaxPool } from '../max_pool/native.ts';
import { reluGradKernel } from './gradient.ts';

/** A relu after a max-pooling or a batch normalisation is fused with it (native/fusion.ts). */
export const relu: OwnKernel = {
  name: 'Relu',
  needs: 'operations',
  run(backend, inputs) {
    const x = inputs.x as tf.TensorInfo;
    return reluOfMaxPool(backend, x) ?? reluOfBatchNorm(backend, x) ?? backend.executeSingleInput('Relu', x);
  },
};

/** Whether what the relu let pass is known without its output, so that the gradient may be fused. */
function isFused(y: tf.TensorInfo): boolean {
  const norm = partsOf(y, 'batchNorm');
  return partsOf(y, 'reluOfMaxPool') !== undefined || (norm !== undefined && !norm.other);
}

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run(backend, inputs) {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    const sum = partsOf(dy, 'sum');
    const compute = () => execute(backend, 'ReluGrad', { T: float32 }, backend.getInputTensorIds([dy, y]));
    if (isFused(y)) return defer(backend, y.shape, 'reluGrad', { dy, y }, () => firstId(compute()));
    if (sum) return executeOnTensors(backend, 'BatSupReluGradOfSum', {}, [sum.a, sum.b, y]);
    return backend.createOutputTensor(compute()[0] as OutputMetadata);
  },
};

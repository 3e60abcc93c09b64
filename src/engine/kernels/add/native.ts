import type { tf } from '../../../tensors/tf.ts';
import { execute, firstId, float32 } from '../../native/backend.ts';
import { defer } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { sumOfBatchNorm } from '../batch_norm/native.ts';

/** The sum of feature maps is fused with a batch normalisation before it, or a relu's gradient after it (native/fusion.ts). */
export const add: OwnKernel = {
  name: 'Add',
  needs: 'operations',
  run(backend, inputs) {
    const { a, b } = inputs as Record<'a' | 'b', tf.TensorInfo>;
    const areMaps = a.shape.length === 4 && a.dtype === 'float32' && b.dtype === 'float32';
    if (!areMaps || String(a.shape) !== String(b.shape)) return undefined;
    const parts = { a, b };
    return (
      sumOfBatchNorm(backend, a, b) ??
      sumOfBatchNorm(backend, b, a) ??
      defer(backend, a.shape, 'sum', parts, () =>
        firstId(execute(backend, 'AddV2', { T: float32 }, backend.getInputTensorIds([a, b]))),
      )
    );
  },
};

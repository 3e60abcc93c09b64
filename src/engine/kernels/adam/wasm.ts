import { sizeOf } from '../../../tensors/shape.ts';
import type { tf } from '../../../tensors/tf.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { type AdamAttributes, applyAdamKernel } from './operation.ts';

export const applyAdam: OwnKernel = {
  name: applyAdamKernel,
  run(context, inputs, attributes) {
    const tensors = inputs as Record<'variable' | 'm' | 'v' | 'gradient', tf.TensorInfo>;
    const { stepSize, beta1, beta2, epsilon } = attributes as unknown as AdamAttributes;
    const size = sizeOf(tensors.variable.shape);
    runKernel(context, 'applyAdam', Math.ceil(size / 4), {
      ...tensors,
      size,
      stepSize,
      oneMinusBeta1: 1 - beta1,
      oneMinusBeta2: 1 - beta2,
      epsilon,
    });
    return [];
  },
};

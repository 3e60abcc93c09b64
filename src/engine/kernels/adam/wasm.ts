import type * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../tensors/shape.ts';
import { addressOf, type KernelContext } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { kernelNumbers } from '../../wasm/kernel_numbers.ts';
import { type AdamAttributes, applyAdamKernel } from './operation.ts';

export const applyAdam: OwnKernel = {
  name: applyAdamKernel,
  run(context: KernelContext, inputs, attributes) {
    const { variable, m, v, gradient } = inputs as Record<'variable' | 'm' | 'v' | 'gradient', tf.TensorInfo>;
    const { stepSize, beta1, beta2, epsilon } = attributes as unknown as AdamAttributes;
    const size = sizeOf(variable.shape);
    context.threads.run(kernelNumbers.applyAdam, Math.ceil(size / 4), (chunks) => [
      ...[variable, m, v, gradient].map((tensor) => addressOf(context, tensor)),
      chunks,
      size,
      ...[stepSize, 1 - beta1, 1 - beta2, epsilon].map((real) => ({ real })),
    ]);
    return [];
  },
};

import type * as tf from '@tensorflow/tfjs-core';
import { type AdamAttributes, applyAdamKernel } from '../../apply_adam.ts';
import { execute } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/** In place, so that the 11 million weights of the article's network are read and written once. */
export const applyAdam: OwnKernel = {
  name: applyAdamKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { stepSize, beta1, beta2, epsilon } = attributes as unknown as AdamAttributes;
    const { variable, m, v, gradient } = inputs as Record<'variable' | 'm' | 'v' | 'gradient', tf.TensorInfo>;
    const ids = backend.getInputTensorIds([variable, m, v, gradient]);
    const { binding } = backend;
    const values = Float32Array.of(stepSize, beta1, beta2, epsilon);
    const numbers = binding.createTensor([4], binding.TF_FLOAT as number, values);
    execute(backend, 'BatSupAdam', {}, [...ids, numbers], 0);
    binding.deleteTensor(numbers);
    return [];
  },
};

import type * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../tensors/shape.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { reluGradKernel } from './gradient.ts';

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run(context, inputs) {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    const dx = context.backend.makeOutput(dy.shape, 'float32');
    const size = sizeOf(dy.shape);
    runKernel(context, 'reluGradient', Math.ceil(size / 4), { dy, y, dx, size });
    return dx;
  },
};

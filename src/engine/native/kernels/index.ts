import * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend } from '../backend.ts';
import { applyAdamToResources } from './apply_adam_to_resources.ts';
import { biasGradient } from './bias_gradient.ts';
import { crossEntropy } from './cross_entropy.ts';
import { applyAdam, batchMatMul, fusedMatMul } from './dense.ts';
import { fusedConv2d } from './fused_conv2d.ts';
import { fusedMatMulPlain } from './fused_mat_mul.ts';
import { maxPool, maxPoolGradient } from './max_pool.ts';
import type { Inputs, OwnKernel } from './own_kernel.ts';
import { relu, reluGradient } from './relu.ts';
import { scalePixels, scalePixelsAtOnce } from './scale_pixels.ts';

/** Of two with one name the later one is taken, where what it needs is there. */
const ownKernels: OwnKernel[] = [
  applyAdamToResources,
  applyAdam,
  batchMatMul,
  biasGradient,
  crossEntropy,
  fusedConv2d,
  fusedMatMulPlain,
  fusedMatMul,
  maxPool,
  maxPoolGradient,
  relu,
  reluGradient,
  scalePixels,
  scalePixelsAtOnce,
];

/** Registers our kernels with tfjs's 'tensorflow' backend. */
export function registerKernels(backend: NodeBackend, { operations }: { operations: boolean }): void {
  for (const { name, needs, run } of ownKernels) {
    if (needs === 'operations' && (!operations || backend.isUsingGpuDevice)) continue;
    if (tf.getKernel(name, 'tensorflow')) tf.unregisterKernel(name, 'tensorflow');
    tf.registerKernel({
      kernelName: name,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs }) => run(backend, inputs as Inputs, attrs ?? {}),
    });
  }
}

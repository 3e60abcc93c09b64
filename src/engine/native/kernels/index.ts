import * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend } from '../backend.ts';
import { applyAdamToResources } from './apply_adam_to_resources.ts';
import { batchNorm, batchNormGradient } from './batch_norm.ts';
import { biasGradient } from './bias_gradient.ts';
import { convolutionFilterGradient, convolutionInputGradient, fusedConv2d } from './convolution.ts';
import { crossEntropy } from './cross_entropy.ts';
import { applyAdam, batchMatMul, fusedMatMul } from './dense.ts';
import { batchMatMulPlain, fusedMatMulPlain } from './mat_mul.ts';
import { maxPool, maxPoolGradient } from './max_pool.ts';
import type { Inputs, OwnKernel } from './own_kernel.ts';
import { relu, reluGradient } from './relu.ts';
import { scalePixels, scalePixelsAtOnce } from './scale_pixels.ts';

/** Of two with one name the later one is taken, where what it needs is there. */
const ownKernels: OwnKernel[] = [
  applyAdamToResources,
  applyAdam,
  batchMatMulPlain,
  batchMatMul,
  batchNorm,
  batchNormGradient,
  biasGradient,
  convolutionFilterGradient,
  convolutionInputGradient,
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

/** The backend's own kernels that ours have taken the place of. */
const theirs = new Map<string, tf.KernelConfig | undefined>();

/**
 * Registers our kernels with tfjs's 'tensorflow' backend.
 * @param operations whether TensorFlow has ours.
 */
export function registerKernels(backend: NodeBackend, { operations }: { operations: boolean }): void {
  for (const { name, needs, run } of ownKernels) {
    if (needs && backend.isUsingGpuDevice) continue;
    if (needs === 'operations' && !operations) continue;
    const known = tf.getKernel(name, 'tensorflow');
    if (!theirs.has(name)) theirs.set(name, known);
    if (known) tf.unregisterKernel(name, 'tensorflow');
    tf.registerKernel({
      kernelName: name,
      backendName: 'tensorflow',
      kernelFunc: (call) =>
        run(backend, call.inputs as Inputs, call.attrs ?? {}) ??
        (theirs.get(name) as tf.KernelConfig).kernelFunc(call),
    });
  }
}

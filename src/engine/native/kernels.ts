import { tf } from '../../tensors/tf.ts';
import { relu, reluGradient } from '../kernels/activation/native.ts';
import { applyAdamToAll } from '../kernels/adam/native.ts';
import { applyAdamToResources } from '../kernels/adam/native_resources.ts';
import { add } from '../kernels/add/native.ts';
import { averagePoolGradient } from '../kernels/average_pool/native.ts';
import { batchNorm, batchNormGradient, followBatch } from '../kernels/batch_norm/native.ts';
import { batchNormGradientPlain, batchNormPlain } from '../kernels/batch_norm/native_plain.ts';
import { biasGradient } from '../kernels/bias/native.ts';
import { convolutionFilterGradient, convolutionInputGradient, fusedConv2d } from '../kernels/conv/native.ts';
import { crossEntropy } from '../kernels/cross_entropy/native.ts';
import { foldedDense, foldedSteps, packFoldedSteps } from '../kernels/folded_steps/native.ts';
import {
  groupedConv2d,
  groupedConv2dBackpropFilter,
  groupedConv2dBackpropInput,
} from '../kernels/grouped_conv/native.ts';
import { batchMatMul, fusedMatMul } from '../kernels/mat_mul/native.ts';
import { batchMatMulPlain, fusedMatMulPlain } from '../kernels/mat_mul/native_plain.ts';
import { maxPool, maxPoolGradient } from '../kernels/max_pool/native.ts';
import { normConv, normConvGradient } from '../kernels/norm_conv/native.ts';
import { scalePixels, scalePixelsAtOnce } from '../kernels/scale_pixels/native.ts';
import type { NodeBackend } from './backend.ts';
import type { Inputs, OwnKernel } from './kernel.ts';
import { useOwnOperations } from './own_operations.ts';

/** Where two have the same name, the later one wins if its needs are met. */
const ownKernels: OwnKernel[] = [
  add,
  applyAdamToResources,
  applyAdamToAll,
  averagePoolGradient,
  batchMatMulPlain,
  batchMatMul,
  batchNormPlain,
  batchNorm,
  batchNormGradientPlain,
  batchNormGradient,
  followBatch,
  biasGradient,
  convolutionFilterGradient,
  convolutionInputGradient,
  crossEntropy,
  foldedDense,
  foldedSteps,
  fusedConv2d,
  fusedMatMulPlain,
  fusedMatMul,
  groupedConv2d,
  groupedConv2dBackpropFilter,
  groupedConv2dBackpropInput,
  maxPool,
  maxPoolGradient,
  normConv,
  normConvGradient,
  packFoldedSteps,
  relu,
  reluGradient,
  scalePixels,
  scalePixelsAtOnce,
];

/** The backend's own kernels that ours replace. */
const theirs = new Map<string, tf.KernelConfig | undefined>();

/**
 * Registers our kernels with tfjs's 'tensorflow' backend.
 * @param operations whether TensorFlow has our operations.
 */
export function registerKernels(backend: NodeBackend, { operations }: { operations: boolean }): void {
  useOwnOperations(backend, operations && !backend.isUsingGpuDevice);
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

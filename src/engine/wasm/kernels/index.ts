import * as tf from '@tensorflow/tfjs-core';
import type { KernelContext } from '../engine_memory.ts';
import { applyAdam } from './apply_adam.ts';
import { conv2d, fusedConv2d } from './conv2d.ts';
import { conv2dBackpropFilter } from './conv2d_backprop_filter.ts';
import { conv2dBackpropInput } from './conv2d_backprop_input.ts';
import { batchMatMul, fusedMatMul } from './mat_mul.ts';
import { maxPool, maxPoolGrad } from './max_pool.ts';
import type { Inputs, OwnKernel } from './own_kernel.ts';
import { reluGradient } from './relu_gradient.ts';
import { sum } from './sum.ts';

const ownKernels: OwnKernel[] = [
  applyAdam,
  batchMatMul,
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  fusedConv2d,
  fusedMatMul,
  maxPool,
  maxPoolGrad,
  reluGradient,
  sum,
];

/** Registers our kernels with tfjs's 'wasm' backend. */
export function registerKernels(context: KernelContext): void {
  for (const { name, accepts, run } of ownKernels) {
    const theirs = tf.getKernel(name, 'wasm')?.kernelFunc as tf.KernelFunc | undefined;
    if (theirs) tf.unregisterKernel(name, 'wasm');
    tf.registerKernel({
      kernelName: name,
      backendName: 'wasm',
      kernelFunc(call) {
        const inputs = call.inputs as Inputs;
        const attributes = call.attrs ?? {};
        if (theirs && accepts && !accepts(inputs, attributes)) return theirs(call);
        return run(context, inputs, attributes);
      },
    });
  }
}

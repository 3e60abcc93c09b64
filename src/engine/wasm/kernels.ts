import { tf } from '../../tensors/tf.ts';
import { activation, activationGradient, relu, reluGradient } from '../kernels/activation/wasm.ts';
import { applyAdam } from '../kernels/adam/wasm.ts';
import { averagePool, averagePoolGradient } from '../kernels/average_pool/wasm.ts';
import { sum } from '../kernels/bias/wasm.ts';
import { concat, slice } from '../kernels/concat/wasm.ts';
import { conv2d, fusedConv2d } from '../kernels/conv/wasm.ts';
import { conv2dBackpropFilter } from '../kernels/conv/wasm_filter_gradient.ts';
import { conv2dBackpropInput } from '../kernels/conv/wasm_input_gradient.ts';
import {
  depthwiseConv2d,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  fusedDepthwiseConv2d,
} from '../kernels/depthwise_conv/wasm.ts';
import { fusedConvolution, packFilter } from '../kernels/fused_convolution/wasm.ts';
import {
  groupedConv2d,
  groupedConv2dBackpropFilter,
  groupedConv2dBackpropInput,
} from '../kernels/grouped_conv/wasm.ts';
import { identity } from '../kernels/identity/wasm.ts';
import { invertedResidual } from '../kernels/inverted_residual/wasm.ts';
import { scaleMaps, spreadMaps, sumMaps } from '../kernels/map_factors/wasm.ts';
import { batchMatMul, fusedMatMul } from '../kernels/mat_mul/wasm.ts';
import { maxPool, maxPoolGrad } from '../kernels/max_pool/wasm.ts';
import type { KernelContext } from './engine_memory.ts';
import type { Inputs, OwnKernel } from './kernel.ts';

const ownKernels: OwnKernel[] = [
  activation,
  activationGradient,
  applyAdam,
  averagePool,
  averagePoolGradient,
  batchMatMul,
  concat,
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  depthwiseConv2d,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  fusedConv2d,
  fusedConvolution,
  fusedDepthwiseConv2d,
  fusedMatMul,
  groupedConv2d,
  groupedConv2dBackpropFilter,
  groupedConv2dBackpropInput,
  identity,
  invertedResidual,
  maxPool,
  maxPoolGrad,
  packFilter,
  relu,
  reluGradient,
  scaleMaps,
  slice,
  spreadMaps,
  sum,
  sumMaps,
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

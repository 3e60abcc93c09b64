import { tf } from '../../../tensors/tf.ts';
import type { SquareConvolutionOptions } from '../conv/operation.ts';

/** The kernel an engine may register for inference. Inputs: x, filter, bias, and residual or none. */
export const fusedConvolutionKernel = 'FusedConvolution';
/** The kernel that puts a filter into the order in which the engine's convolutions read it; comes with the one above. */
export const packFilterKernel = 'PackFilter';

/** linear: none. */
export const fusedActivations = ['linear', 'relu', 'relu6'] as const;
export type FusedActivation = (typeof fusedActivations)[number];

export interface PackFilterAttributes {
  /** Copied. */
  values: Float32Array;
  /** [kernelHeight, kernelWidth, channels, outputs], or [kernelHeight, kernelWidth, channels, 1] where it is depthwise. */
  shape: number[];
  depthwise: boolean;
}

export interface FusedConvolutionAttributes extends SquareConvolutionOptions {
  /** Of the filter before it was packed. */
  filterShape: number[];
  depthwise: boolean;
  activation: FusedActivation;
}

const asAttributes = (attributes: object) => attributes as unknown as tf.NamedAttrMap;

/** Whether the running engine has these kernels. */
export function hasFusedConvolution(): boolean {
  return tf.getKernel(fusedConvolutionKernel, tf.getBackend()) !== undefined;
}

/** A filter as `fusedConvolution` and `invertedResidual` take it: in an order, and of a shape, that only the engine knows. */
export function packFilter(attributes: PackFilterAttributes): tf.Tensor {
  return tf.engine().runKernel(packFilterKernel, {}, asAttributes(attributes));
}

export interface FusedConvolutionInputs {
  /** [batch, height, width, channels] */
  x: tf.Tensor;
  /** Packed. */
  filter: tf.Tensor;
  /** [outputs] */
  bias: tf.Tensor;
  /** [batch, outHeight, outWidth, outputs] */
  residual?: tf.Tensor | undefined;
}

/**
 * activation(convolution of x + bias + residual), without gradients. Only where the engine has the kernel. A picture's
 * output depends neither on its batch nor on the number of threads.
 * @returns [batch, outHeight, outWidth, outputs]
 */
export function fusedConvolution(
  { x, filter, bias, residual }: FusedConvolutionInputs,
  attributes: FusedConvolutionAttributes,
): tf.Tensor {
  const inputs = { x, filter, bias, ...(residual && { residual }) } as tf.NamedTensorMap;
  return tf.engine().runKernel(fusedConvolutionKernel, inputs, asAttributes(attributes));
}

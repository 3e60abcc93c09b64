import { tf } from '../../../tensors/tf.ts';
import type { SquareConvolutionOptions } from '../conv/operation.ts';
import type { FusedActivation } from '../fused_convolution/operation.ts';

/**
 * The kernel an engine may register for inference, besides those for fused convolutions. Inputs: x; depthwiseFilter,
 * depthwiseBias; projectFilter, projectBias; and, unless there is no expansion, expandFilter, expandBias.
 */
export const invertedResidualKernel = 'InvertedResidual';

export interface InvertedResidualAttributes extends SquareConvolutionOptions {
  /** [kernelHeight, kernelWidth, channels, 1] of the depthwise filter before it was packed. */
  filterShape: number[];
  /** After the expansion, and after the depthwise convolution; the projection has none. */
  activation: FusedActivation;
  /** Whether x is added to the output. */
  residual: boolean;
}

/** A filter that was packed, and a bias [outputs]. */
export interface PackedConvolution {
  filter: tf.Tensor;
  bias: tf.Tensor;
}

export interface InvertedResidualParts {
  /** 1x1, from the channels of x to those of the depthwise convolution; undefined: they are the same. */
  expand?: PackedConvolution | undefined;
  depthwise: PackedConvolution;
  /** 1x1, to the channels of the output. */
  project: PackedConvolution;
}

/** Whether the running engine has the kernel. */
export function hasInvertedResidual(): boolean {
  return tf.getKernel(invertedResidualKernel, tf.getBackend()) !== undefined;
}

/**
 * An inverted residual block (Sandler et al. 2018), without gradients: a 1x1 convolution to more channels, a depthwise
 * convolution, a 1x1 convolution to fewer, and x added. Only where the engine has the kernel, which need not keep the maps
 * between the convolutions. A picture's output depends neither on its batch nor on the number of threads.
 * @param x [batch, height, width, channels]
 * @returns [batch, outHeight, outWidth, outputs]
 */
export function invertedResidual(
  x: tf.Tensor,
  { expand, depthwise, project }: InvertedResidualParts,
  attributes: InvertedResidualAttributes,
): tf.Tensor {
  const inputs: tf.NamedTensorMap = {
    x,
    ...(expand && { expandFilter: expand.filter, expandBias: expand.bias }),
    depthwiseFilter: depthwise.filter,
    depthwiseBias: depthwise.bias,
    projectFilter: project.filter,
    projectBias: project.bias,
  };
  const options = attributes as unknown as tf.NamedAttrMap;
  return tf.engine().runKernel(invertedResidualKernel, inputs, options);
}

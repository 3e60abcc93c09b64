import { tf } from '../../../tensors/tf.ts';
import type { ActivationAttributes } from '../activation/operation.ts';
import type { FusedActivation } from '../fused_convolution/operation.ts';

/** The kernel an engine may register: several steps of a folded network at once. Inputs: x, weights, program. */
export const foldedStepsKernel = 'FoldedSteps';
/** A fully connected layer. Inputs: x, weights, program. */
export const foldedDenseKernel = 'FoldedDense';
/** Puts the steps' weights into the order in which the kernels read them. Outputs: weights, program. */
export const packFoldedStepsKernel = 'PackFoldedSteps';

export interface FoldedStep {
  /**
   * convolution: product; with groups too. depthwise. block: expand, depthwise and product, as an inverted residual block.
   * maxPool. averagePool: padding does not count. average: the mean of each map. load: x becomes a buffer. pad: zeros around
   * maps. dense: product, of features. activate: `function` of each element. affine: each channel times a factor of product,
   * plus its bias. add, multiply: with the residual. place: copies maps to the channels of larger ones from `offset` on.
   */
  kind:
    | 'load'
    | 'convolution'
    | 'depthwise'
    | 'block'
    | 'maxPool'
    | 'average'
    | 'dense'
    | 'averagePool'
    | 'groups'
    | 'activate'
    | 'affine'
    | 'add'
    | 'multiply'
    | 'place'
    | 'pad';
  /** The buffer that it reads; -1: x, which only 'load', 'convolution' and 'dense' can read. */
  from: number;
  /** The buffer that is added before the activation, or multiplied with; -1: none. */
  residual: number;
  /** The buffer that it writes; only 'activate' may write one that it reads. The last step's is the output. */
  to: number;
  /** [height, width, channels] */
  input: number[];
  /** [height, width, channels] */
  output: number[];
  window: { kernel: number; stride: number; top: number; left: number };
  /** In a block after the expansion and the depthwise convolution. */
  activation: FusedActivation;
  /** [kernel, kernel, channels, outputs]; in a block the projection; of 'affine' [channels]. */
  product?: FilterValues;
  /** [kernel, kernel, channels, 1] */
  depthwise?: FilterValues;
  /** [1, 1, channels, expanded channels]; undefined: the block has none. */
  expand?: FilterValues | undefined;
  /** Of 'groups'. Of 'multiply' 1 where the residual is one factor for each channel. */
  groups?: number;
  /** Of 'place'. */
  offset?: number;
  /** Of 'activate'. */
  function?: ActivationAttributes | undefined;
}

export interface FilterValues {
  weights: Float32Array;
  biases: Float32Array;
}

export interface PackFoldedStepsAttributes {
  steps: FoldedStep[];
}

/** Whether the running engine has these kernels. */
export function hasFoldedSteps(): boolean {
  return tf.getKernel(foldedStepsKernel, tf.getBackend()) !== undefined;
}

/** Steps as an engine computes them. */
export interface PackedSteps {
  weights: tf.Tensor;
  program: tf.Tensor;
}

export function packFoldedSteps(steps: FoldedStep[]): PackedSteps {
  const attributes = { steps } as unknown as tf.NamedAttrMap;
  const packed = tf.engine().runKernel(packFoldedStepsKernel, {}, attributes) as unknown as tf.Tensor[];
  const [weights, program] = packed as [tf.Tensor, tf.Tensor];
  return { weights, program };
}

/**
 * Computes steps, without gradients; only where the engine has the kernel. A picture's output depends neither on its batch
 * nor on the number of threads.
 * @param x [batch, height, width, channels], of the sizes that the steps were made for.
 * @returns [batch, ...output of the last step]
 */
export function foldedSteps(x: tf.Tensor, packed: PackedSteps): tf.Tensor {
  return tf.engine().runKernel(foldedStepsKernel, { x, ...packed } as tf.NamedTensorMap);
}

/** The same for a single step of the kind 'dense': [batch, features] -> [batch, outputs] */
export function foldedDense(x: tf.Tensor, packed: PackedSteps): tf.Tensor {
  return tf.engine().runKernel(foldedDenseKernel, { x, ...packed } as tf.NamedTensorMap);
}

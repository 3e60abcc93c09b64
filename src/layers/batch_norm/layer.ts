import {
  followBatch,
  normaliseBatch,
  normaliseBy,
  scaleAndShift,
} from '../../engine/kernels/batch_norm/operation.ts';
import type { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer, VariablePlan } from '../layer.ts';
import { Scope } from '../scope.ts';

export interface BatchNormAttributes {
  /** Added to the variance. */
  epsilon: number;
}

/** The weight of the previous moving averages in each update; equals PyTorch's default, 1 - 0.1. */
const momentum = 0.9;

export type BatchNormPart = 'scale' | 'offset' | 'mean' | 'variance';

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of each channel: (x - mean) / sqrt(variance + epsilon) * scale + offset.
 * In training mode mean and variance are the batch's, in inference their moving averages. With frozen statistics they are
 * the moving averages in both, while scale and offset still learn.
 */
export const batchNorm: Layer<BatchNormAttributes> = {
  kind: 'batchNorm',
  prefix: 'norm',
  isLinear: true,
  plan([shape = []], { epsilon }, fail) {
    if (!(epsilon >= 0)) fail(`needs epsilon to be a number of at least 0, not ${epsilon}`);
    const part = (name: BatchNormPart, initial: number): VariablePlan => ({
      name,
      shape: shape.slice(-1),
      initial,
    });
    return {
      outputShape: shape,
      variables: [part('scale', 1), part('offset', 0)],
      state: [part('mean', 0), part('variance', 1)],
    };
  },
  forward([input], variables, { epsilon }, { training, frozenStatistics }) {
    const { scale, offset, mean, variance } = variables as Record<BatchNormPart, tf.Variable>;
    const x = input as tf.Tensor;
    if (!training) return normaliseBy(x, { scale, offset, mean, variance }, epsilon);
    if (frozenStatistics) return scaleAndShift(x, { scale, offset, mean, variance }, epsilon);
    return normaliseBatch(x, { scale, offset }, epsilon, (batch) =>
      followBatch({ mean, variance }, batch, momentum),
    );
  },
};

export interface BatchNormOptions {
  /** Added to the variance; default 0.001, as in Keras. */
  epsilon?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of each channel: (x - mean) / sqrt(variance + epsilon) * scale + offset.
 * @param layer [batch, height, width, channels] or [batch, features], which is also the shape of the output.
 * @throws {UserError} naming the layer, where epsilon is negative.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { batchNormLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * // Its moving averages are fresh: mean 0, variance 1.
 * console.log(batchNormLayer(tf.ones([2, 14, 14, 16])).shape); // [2, 14, 14, 16]
 * await engine.dispose();
 * ```
 */
export function batchNormLayer<V extends Value>(
  layer: V,
  options?: BatchNormOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(batchNorm, [layer], { epsilon: options?.epsilon ?? 1e-3 }) as V;
}

import * as tf from '@tensorflow/tfjs-core';
import { normaliseBatch, normaliseBy } from '../engine/kernels/batch_norm/operation.ts';
import { Scope } from './scope.ts';

export interface BatchNormOptions {
  /** Added to the variance; default 0.001, as in Keras. */
  epsilon?: number;
}

/** How much of the moving mean and variance each batch leaves; PyTorch's default. */
const momentum = 0.9;

/** moving = momentum * moving + (1 - momentum) * value */
function follow(moving: tf.Variable, value: tf.Tensor): void {
  tf.tidy(() => moving.assign(tf.add(tf.mul(moving, momentum), tf.mul(value, 1 - momentum))));
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of each channel: (x - mean) / sqrt(variance + epsilon) * scale + offset.
 * The shape stays. Learning takes mean and variance of the batch, answering their moving averages.
 * @param layer [batch, height, width, channels] or [batch, features]
 */
export function batchNormLayer<T extends tf.Tensor>(
  layer: T,
  { epsilon = 1e-3 }: BatchNormOptions = {},
  scope = new Scope(),
): T {
  const name = scope.nextName('norm');
  const shape = layer.shape.slice(-1);
  const named = (part: string) => ({ name: `${name}/${part}`, shape });
  const filled = (value: number) => () => tf.tidy(() => tf.variable(tf.fill(shape, value)));
  const scale = scope.variable(`${name}/scale`, shape, filled(1));
  const offset = scope.variable(`${name}/offset`, shape, filled(0));
  const mean = scope.stateVariable(`${name}/mean`, shape, filled(0));
  const variance = scope.stateVariable(`${name}/variance`, shape, filled(1));
  const output = scope.learning
    ? normaliseBatch(layer, { scale, offset }, epsilon, (ofBatch) => {
        follow(mean, ofBatch.mean);
        follow(variance, ofBatch.variance);
      })
    : normaliseBy(layer, { scale, offset, mean, variance }, epsilon);
  const summary = {
    name,
    kind: 'batchNorm' as const,
    inputShape: layer.shape.slice(1),
    outputShape: layer.shape.slice(1),
    variables: [named('scale'), named('offset')],
    state: [named('mean'), named('variance')],
    attributes: { epsilon },
  };
  return scope.add(summary, [layer], output);
}

import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import { UserError } from '../errors.ts';
import { Scope } from './scope.ts';

export interface DropoutOptions {
  /** Share of the values that are dropped, from 0 to below 1. */
  rate: number;
}

/**
 * 1 / (1 - rate) where a value stays, 0 where it is dropped; the same on every engine. Each row has a seed of its own,
 * so that it is the same whoever learns from it.
 */
function maskOf(
  [rows, size]: [number, number],
  rate: number,
  { seed, firstRow }: { seed: string; firstRow: number },
): Float32Array {
  const kept = 1 / (1 - rate);
  const mask = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const random = seedrandom.alea(`${seed}/${firstRow + row}`);
    for (let i = 0; i < size; i++) mask[row * size + i] = random() < rate ? 0 : kept;
  }
  return mask;
}

function multiply<T extends tf.Tensor>(layer: T, mask: tf.Tensor): T {
  const product = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([mask]);
    return {
      value: tf.mul(x, mask),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, saved as tf.Tensor),
    };
  });
  return product(layer) as T;
}

/**
 * Dropout (Srivastava et al. 2014): while learning, drops values at random and scales up the others, so that the sum
 * stays as it was on average; while answering, the identity. The shape stays. What is dropped depends on the scope's
 * seed, the step, the row and the layer's name.
 * @throws {UserError} naming the layer, where the rate is out of range.
 */
export function dropoutLayer<T extends tf.Tensor>(
  layer: T,
  { rate }: DropoutOptions,
  scope = new Scope(),
): T {
  const name = scope.nextName('dropout');
  if (!(rate >= 0 && rate < 1)) {
    throw new UserError(`${name}: expected rate to be a number from 0 to below 1, got ${rate}.`);
  }
  const shape = layer.shape.slice(1);
  const summary = {
    name,
    kind: 'dropout' as const,
    inputShape: shape,
    outputShape: shape,
    variables: [],
    attributes: { rate },
  };
  if (!scope.learning) return scope.add(summary, [layer], tf.clone(layer));
  const [rows = 1] = layer.shape;
  const { step, firstRow = 0 } = scope.learning;
  const mask = maskOf([rows, layer.size / rows], rate, { seed: `${scope.seed}/${name}/${step}`, firstRow });
  return scope.add(summary, [layer], multiply(layer, tf.tensor(mask, layer.shape)));
}

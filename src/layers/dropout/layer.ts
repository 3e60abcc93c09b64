import seedrandom from 'seedrandom';
import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

export interface DropoutOptions {
  /** Share of the values that are dropped, 0 to below 1. */
  rate: number;
}

/**
 * The mask: 1 / (1 - rate) where a value is kept, 0 where it is dropped; the same on every engine. Each row has its own
 * seed, so that the mask does not depend on which rank computes the row.
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

/** tf.identity has no gradient in TensorFlow.js's build for Node. */
const identity = tf.customGrad((x) => ({
  value: tf.clone(x as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => tf.clone(dy),
}));

function multiply(layer: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  const product = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([mask]);
    return {
      value: tf.mul(x, mask),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, saved as tf.Tensor),
    };
  });
  return product(layer);
}

/**
 * Dropout (Srivastava et al. 2014): in training mode, drops values at random and scales up the others so that the expected
 * sum stays the same; in inference, the identity. The scope's seed, the step, the row and the layer's name determine what
 * is dropped.
 */
export const dropout: Layer<DropoutOptions> = {
  kind: 'dropout',
  prefix: 'dropout',
  keepsNonNegative: true,
  isElementwise: true,
  isPerChannel: true,
  plan([shape = []], { rate }, fail) {
    if (!(rate >= 0 && rate < 1)) fail(`needs rate to be a number from 0 to below 1, not ${rate}`);
    return { outputShape: shape };
  },
  forward([input], _, { rate }, { name, seed, training }) {
    const x = input as tf.Tensor;
    if (!training) return identity(x);
    const [rows = 1] = x.shape;
    const { step, firstRow = 0 } = training;
    const mask = maskOf([rows, x.size / rows], rate, { seed: `${seed}/${name}/${step}`, firstRow });
    return multiply(x, tf.tensor(mask, x.shape));
  },
};

/**
 * Dropout: in training mode, sets a random share of the values to 0 and multiplies the others by 1 / (1 - rate).
 * @param layer of any shape, which is also the shape of the output.
 * @throws {UserError} naming the layer, where the rate is out of range.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { dropoutLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * // Values are dropped in training mode only.
 * console.log(dropoutLayer(tf.ones([1, 4]), { rate: 0.5 }).dataSync()); // Float32Array [1, 1, 1, 1]
 * await engine.dispose();
 * ```
 */
export function dropoutLayer<V extends Value>(
  layer: V,
  options: DropoutOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(dropout, [layer], options) as V;
}

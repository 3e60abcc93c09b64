import { tf } from '../../tensors/tf.ts';
import type { Builder, Value } from '../builder.ts';
import { mapsOf } from '../checks.ts';
import type { Layer } from '../layer.ts';
import { Scope } from '../scope.ts';

/** Pixels of zeros on each side. */
export interface ZeroPaddingOptions {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** TensorFlow.js's PadV2 has no gradient here, so it is given one. */
function pad(layer: tf.Tensor4D, { top, left, bottom, right }: ZeroPaddingOptions): tf.Tensor {
  const around: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const padded = tf.customGrad((...inputs) => {
    const x = inputs[0] as tf.Tensor4D;
    return {
      value: tf.pad(x, around),
      gradFunc: (dy: tf.Tensor) => tf.slice(dy, [0, top, left, 0], x.shape),
    };
  });
  return padded(layer);
}

/** Adds zeros around the maps, for networks of other libraries whose padding equals neither 'same' nor 'valid'. */
export const zeroPadding: Layer<ZeroPaddingOptions> = {
  kind: 'zeroPadding',
  prefix: 'pad',
  keepsNonNegative: true,
  isPerChannel: true,
  plan(inputs, { top, left, bottom, right }, fail) {
    const [height, width, channels] = mapsOf(inputs, fail);
    for (const [side, pixels] of Object.entries({ top, left, bottom, right }))
      if (!Number.isInteger(pixels) || pixels < 0)
        fail(`needs ${side} to be a whole number of at least 0, not ${pixels}`);
    return { outputShape: [top + height + bottom, left + width + right, channels] };
  },
  forward: ([maps], _, sides) => pad(maps as tf.Tensor4D, sides),
};

/**
 * Adds zeros around the maps.
 * [batch, height, width, channels] -> [batch, top + height + bottom, left + width + right, channels]
 * @throws {UserError} naming the layer, where a side is not a whole number of at least 0, or the input is not feature maps.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { zeroPaddingLayer, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const maps = tf.ones([1, 28, 28, 3]);
 * console.log(zeroPaddingLayer(maps, { top: 1, bottom: 1, left: 2, right: 2 }).shape); // [1, 30, 32, 3]
 * await engine.dispose();
 * ```
 */
export function zeroPaddingLayer<V extends Value>(
  layer: V,
  options: ZeroPaddingOptions,
  builder: Builder = new Scope(),
): V {
  return builder.apply(zeroPadding, [layer], options) as V;
}

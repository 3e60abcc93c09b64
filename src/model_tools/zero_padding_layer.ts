import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { checkFeatureMaps } from './check_shape.ts';
import { Scope } from './scope.ts';
import type { LayerSummary } from './types.ts';

/** Pixels of zeros on each side. */
export interface ZeroPaddingOptions {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** The zeros that such a layer puts around its maps. */
export function sidesOf({ attributes: { top, left, bottom, right } }: LayerSummary): ZeroPaddingOptions {
  return { top: Number(top), left: Number(left), bottom: Number(bottom), right: Number(right) };
}

/** tfjs-core brings no gradient of PadV2. */
function pad(layer: tf.Tensor4D, { top, left, bottom, right }: ZeroPaddingOptions): tf.Tensor4D {
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
  return padded(layer) as tf.Tensor4D;
}

/**
 * Zeros around the maps, for networks of other libraries whose convolutions pad otherwise than 'same'.
 * [batch, height, width, channels] -> [batch, top + height + bottom, left + width + right, channels]
 * @throws {UserError} naming the layer, where a side is no whole number from 0 up, or the input is no feature map.
 */
export function zeroPaddingLayer(
  layer: tf.Tensor,
  options: ZeroPaddingOptions,
  scope = new Scope(),
): tf.Tensor4D {
  const { top, left, bottom, right } = options;
  const name = scope.nextName('pad');
  checkFeatureMaps(name, layer);
  for (const [side, pixels] of Object.entries({ top, left, bottom, right }))
    if (!Number.isInteger(pixels) || pixels < 0)
      throw new UserError(`${name}: expected ${side} to be a whole number from 0 up, got ${pixels}.`);
  const output = pad(layer, options);
  const summary = {
    name,
    kind: 'zeroPadding' as const,
    inputShape: layer.shape.slice(1),
    outputShape: output.shape.slice(1),
    variables: [],
    attributes: { top, left, bottom, right },
  };
  return scope.add(summary, [layer], output);
}

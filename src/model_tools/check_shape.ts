import type * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';

/** @throws {UserError} where a layer is not given pictures or feature maps [batch, height, width, channels]. */
export function checkFeatureMaps(name: string, layer: tf.Tensor): asserts layer is tf.Tensor4D {
  if (layer.rank === 4) return;
  throw new UserError(
    `${name}: expected feature maps [batch, height, width, channels], got shape [${layer.shape}]; ` +
      'put it before the flattening layer.',
  );
}

/** @throws {UserError} where a size is not a whole number from 1 up. */
export function checkSizes(name: string, sizes: Record<string, number>): void {
  for (const [key, value] of Object.entries(sizes)) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new UserError(`${name}: expected ${key} to be a whole number from 1 up, got ${value}.`);
  }
}

/** @throws {UserError} where no window lies within the maps. */
export function checkWindow(
  name: string,
  { shape: [, height, width] }: tf.Tensor4D,
  { kernel, padding }: { kernel: number; padding: 'same' | 'valid' },
): void {
  if (padding === 'same' || Math.min(height, width) >= kernel) return;
  throw new UserError(
    `${name}: its kernel of ${kernel} is larger than its input of ${height} x ${width}; pad it, or pool less before.`,
  );
}

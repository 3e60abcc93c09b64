import { tf } from '../../../tensors/tf.ts';
import type { ScalePixelsAttributes } from './operation.ts';

interface Normalisation {
  scale: number;
  /** One per channel; default 0. */
  mean?: number[] | undefined;
  /** One per channel; default 1. */
  deviation?: number[] | undefined;
}

/** What each of the 256 pixels becomes in each channel: float32 [256, channels]. */
function tableOf({ scale, mean, deviation }: Normalisation, channels: number): Float32Array {
  const table = new Float32Array(256 * channels);
  for (let pixel = 0; pixel < 256; pixel++)
    for (let channel = 0; channel < channels; channel++)
      table[pixel * channels + channel] =
        (pixel * scale - (mean?.[channel] ?? 0)) / (deviation?.[channel] ?? 1);
  return table;
}

/**
 * uint8 pixels of one or more pictures -> float32 tensor of `shape`: (pixel * scale - mean) / deviation, computed in 64
 * bits and rounded once, so that it is the same on every engine.
 */
export function normalisePixels(
  pixels: Uint8Array,
  shape: ScalePixelsAttributes['shape'],
  normalisation: Normalisation,
): tf.Tensor4D {
  const channels = shape[3];
  const table = tableOf(normalisation, channels);
  const values = new Float32Array(pixels.length);
  for (let channel = 0; channel < channels; channel++)
    for (let i = channel; i < pixels.length; i += channels)
      values[i] = table[(pixels[i] as number) * channels + channel] as number;
  return tf.tensor4d(values, shape);
}

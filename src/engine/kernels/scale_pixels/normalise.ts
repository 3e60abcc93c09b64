import { tf } from '../../../tensors/tf.ts';
import type { ScalePixelsAttributes } from './operation.ts';

interface Normalisation {
  scale: number;
  /** One per channel; default 0. */
  mean?: number[] | undefined;
  /** One per channel; default 1. */
  deviation?: number[] | undefined;
}

/** What each of the 256 pixels becomes in a channel. */
function tableOf({ scale, mean, deviation }: Normalisation, channel: number): Float32Array {
  const [subtracted, divisor] = [mean?.[channel] ?? 0, deviation?.[channel] ?? 1];
  return Float32Array.from({ length: 256 }, (_, pixel) => (pixel * scale - subtracted) / divisor);
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
  const tables = Array.from({ length: channels }, (_, channel) => tableOf(normalisation, channel));
  const values = new Float32Array(pixels.length);
  const [first, second, third] = tables as [Float32Array, Float32Array, Float32Array];
  // All channels in one pass take a third of the time of one pass for each.
  if (channels === 3)
    for (let i = 0; i < pixels.length; i += 3) {
      values[i] = first[pixels[i] as number] as number;
      values[i + 1] = second[pixels[i + 1] as number] as number;
      values[i + 2] = third[pixels[i + 2] as number] as number;
    }
  else for (let i = 0; i < pixels.length; i++) values[i] = first[pixels[i] as number] as number;
  return tf.tensor4d(values, shape);
}

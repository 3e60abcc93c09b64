import { normalisePixels } from '../engine/kernels/scale_pixels/normalise.ts';
import { scalePixels } from '../engine/kernels/scale_pixels/operation.ts';
import type { tf } from '../tensors/tf.ts';
import type { Model } from './model.ts';

/** A copy with the first and third of every three bytes swapped: RGB <-> BGR. */
function swapRedAndBlue(pixels: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    swapped[i] = pixels[i + 2] as number;
    swapped[i + 1] = pixels[i + 1] as number;
    swapped[i + 2] = pixels[i] as number;
  }
  return swapped;
}

/**
 * Converts decoded pictures to the network's input [batch, height, width, channels]: (pixel * scale - mean) / deviation,
 * where mean and deviation are in the order of the network's channels. With either of them, every engine gets the same
 * numbers, each rounded once.
 * @param pixels 0..255, one picture after the other, RGB or grey, each [height, width, channels].
 */
export function toPictures(
  pixels: Uint8Array,
  { description, preprocessing }: Pick<Model, 'description' | 'preprocessing'>,
): tf.Tensor4D {
  const { height, width, channels } = description;
  const { scale, order, mean, deviation } = preprocessing;
  const count = pixels.length / (height * width * channels);
  const ordered = order === 'bgr' && channels === 3 ? swapRedAndBlue(pixels) : pixels;
  const shape: [number, number, number, number] = [count, height, width, channels];
  if (!mean && !deviation) return scalePixels(ordered, shape, scale);
  return normalisePixels(ordered, shape, { scale, mean, deviation });
}

import { scalePixels } from '../engine/kernels/scale_pixels/operation.ts';
import type { tf } from '../tensors/tf.ts';
import type { Model } from './model.ts';

/** A copy with the first and the third of every three bytes exchanged: RGB to BGR, and back. */
function exchangeRedAndBlue(pixels: Uint8Array): Uint8Array {
  const exchanged = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    exchanged[i] = pixels[i + 2] as number;
    exchanged[i + 1] = pixels[i + 1] as number;
    exchanged[i + 2] = pixels[i] as number;
  }
  return exchanged;
}

/**
 * Pictures as they are decoded -> what the network reads, [batch, height, width, channels].
 * @param pixels uint8, one picture after the other, RGB or grey.
 */
export function toPictures(
  pixels: Uint8Array,
  { description, preprocessing: { scale, order } }: Pick<Model, 'description' | 'preprocessing'>,
): tf.Tensor4D {
  const { height, width, channels } = description;
  const count = pixels.length / (height * width * channels);
  const ordered = order === 'bgr' && channels === 3 ? exchangeRedAndBlue(pixels) : pixels;
  return scalePixels(ordered, [count, height, width, channels], scale);
}

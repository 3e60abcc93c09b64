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
 * Converts decoded pictures to the network's input [batch, height, width, channels].
 * @param pixels 0..255, one picture after the other, RGB or grey, each [height, width, channels].
 */
export function toPictures(
  pixels: Uint8Array,
  { description, preprocessing: { scale, order } }: Pick<Model, 'description' | 'preprocessing'>,
): tf.Tensor4D {
  const { height, width, channels } = description;
  const count = pixels.length / (height * width * channels);
  const ordered = order === 'bgr' && channels === 3 ? swapRedAndBlue(pixels) : pixels;
  return scalePixels(ordered, [count, height, width, channels], scale);
}

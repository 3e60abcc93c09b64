import type { Codec } from '../../images/jpeg/codec.ts';
import { readJpegHeader } from '../../images/jpeg/header.ts';
import type { PictureSize } from '../../images/picture_size.ts';

/** Largest canvas that every phone supports; larger pictures are drawn reduced first. */
const maxPixels = 16_000_000;

/** Decodes a picture with the browser: upright, in sRGB, on white. @returns RGB, uint8 [height, width, 3]. */
async function drawOnWhite(
  picture: Blob,
): Promise<{ pixels: Uint8Array<ArrayBuffer>; width: number; height: number }> {
  const image = new Image();
  image.src = URL.createObjectURL(picture);
  try {
    await image.decode();
  } catch {
    throw new Error('The browser cannot read this picture; choose a JPEG or PNG file.');
  } finally {
    URL.revokeObjectURL(image.src);
  }
  const { naturalWidth, naturalHeight } = image;
  const shrink = Math.min(1, Math.sqrt(maxPixels / (naturalWidth * naturalHeight)));
  const width = Math.max(1, Math.floor(naturalWidth * shrink));
  const height = Math.max(1, Math.floor(naturalHeight * shrink));
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('The browser has not enough memory for this picture; choose a smaller one.');
  context.imageSmoothingQuality = 'high';
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = data[from] as number;
    pixels[to + 1] = data[from + 1] as number;
    pixels[to + 2] = data[from + 2] as number;
  }
  return { pixels, width, height };
}

/**
 * Decodes and resizes a picture as images/decode.ts does for the command line: plain JPEGs with the same decoder, all else
 * with the browser, and both with the same resampler.
 * @returns uint8 [height, width, channels].
 * @throws {Error} whose message is a sentence for the visitor, where it is not a picture.
 */
export async function decodePicture(picture: Blob, size: PictureSize, codec: Codec): Promise<Uint8Array> {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  const header = readJpegHeader(bytes);
  const own = header && codec(bytes, header, size);
  if (own) return own;
  const { pixels, ...drawn } = await drawOnWhite(picture);
  const resized = codec(pixels, drawn, size);
  if (!resized) throw new Error('The browser has not enough memory for this picture; choose a smaller one.');
  return resized;
}

import sharp from 'sharp';
import type { EncodedImages } from '../summaries/image.ts';

/** Between two filters, in weights. */
const gap = 1;
/** Side of the square that a weight is drawn as, pixels. */
const scale = 10;

/**
 * Draws the filters of a convolution in a grid, from black for the smallest of all weights to white for the largest.
 * @param weights of the shape `shape`: [height, width, channels, filters]. Three channels are drawn as RGB; of any other
 * number only the first is drawn.
 */
export async function drawFilters(weights: Float32Array, shape: number[]): Promise<EncodedImages> {
  const [height = 0, width = 0, inputChannels = 0, filters = 0] = shape;
  const channels = inputChannels === 3 ? 3 : 1;
  const columns = Math.ceil(Math.sqrt(filters));
  const across = columns * (width + gap) + gap;
  const down = Math.ceil(filters / columns) * (height + gap) + gap;
  const min = weights.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = weights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - min;
  const pixels = new Uint8Array(across * down * channels).fill(255);
  for (let filter = 0; filter < filters; filter++) {
    const left = gap + (filter % columns) * (width + gap);
    const top = gap + Math.floor(filter / columns) * (height + gap);
    for (let at = 0; at < height * width * channels; at++) {
      const channel = at % channels;
      const x = Math.floor(at / channels) % width;
      const y = Math.floor(at / channels / width);
      const weight = weights[((y * width + x) * inputChannels + channel) * filters + filter] as number;
      pixels[((top + y) * across + left + x) * channels + channel] = ((weight - min) / (range || 1)) * 255;
    }
  }
  const size = { width: across * scale, height: down * scale };
  const file = await sharp(pixels, { raw: { width: across, height: down, channels } })
    .resize(size.width, size.height, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return { ...size, files: [file] };
}

import sharp from 'sharp';
import type { EncodedImages } from '../summaries/image.ts';

/** Pixels from one filter to the next. */
const gap = 1;
/** How large a weight is drawn, pixels. */
const scale = 10;

/**
 * A convolution's filters side by side: the least of all their weights black, the greatest white (or full colour).
 * @param weights [height, width, channels, filters]; 3 channels are drawn in colour, the first alone of any other.
 */
export async function drawFilters(weights: Float32Array, shape: number[]): Promise<EncodedImages> {
  const [height = 0, width = 0, inputChannels = 0, filters = 0] = shape;
  const channels = inputChannels === 3 ? 3 : 1;
  const columns = Math.ceil(Math.sqrt(filters));
  const across = columns * (width + gap) + gap;
  const down = Math.ceil(filters / columns) * (height + gap) + gap;
  const least = weights.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = weights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  const pixels = new Uint8Array(across * down * channels).fill(255);
  for (let filter = 0; filter < filters; filter++) {
    const left = gap + (filter % columns) * (width + gap);
    const top = gap + Math.floor(filter / columns) * (height + gap);
    for (let at = 0; at < height * width * channels; at++) {
      const channel = at % channels;
      const x = Math.floor(at / channels) % width;
      const y = Math.floor(at / channels / width);
      const weight = weights[((y * width + x) * inputChannels + channel) * filters + filter] as number;
      pixels[((top + y) * across + left + x) * channels + channel] = ((weight - least) / (range || 1)) * 255;
    }
  }
  const size = { width: across * scale, height: down * scale };
  const file = await sharp(pixels, { raw: { width: across, height: down, channels } })
    .resize(size.width, size.height, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return { ...size, files: [file] };
}

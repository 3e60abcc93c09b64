import sharp from 'sharp';
import { colourLayer } from './colours.ts';
import type { HeatMap } from './heat_map.ts';

/** Pixels of the shorter side, at least. */
const leastSide = 400;

/** So many times the network's picture is what an overlay is drawn on. */
export function enlargementFor({ height, width }: { height: number; width: number }): number {
  return Math.ceil(leastSide / Math.min(height, width));
}

/**
 * A heat map over its picture, as PNG: clear where it is 0, bright yellow where it is 1.
 * @param picture uint8 [height * enlargement, width * enlargement, channels]
 */
export async function drawOverlay(
  heat: HeatMap,
  picture: Uint8Array,
  {
    height,
    width,
    channels,
    enlargement,
  }: { height: number; width: number; channels: 1 | 3; enlargement: number },
): Promise<Buffer> {
  const large = { height: height * enlargement, width: width * enlargement };
  const layer = await sharp(colourLayer(heat), { raw: { height, width, channels: 4 } })
    .resize({ ...large, fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
  return sharp(picture, { raw: { ...large, channels } })
    .toColourspace('srgb')
    .composite([{ input: layer }])
    .png()
    .toBuffer();
}

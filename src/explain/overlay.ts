import sharp from 'sharp';
import { colourLayer } from './colours.ts';
import type { HeatMap } from './heat_map.ts';

/** Pixels of the shorter side, at least. */
const leastSide = 400;

/** So many times the network's picture is what an overlay is drawn on. */
export function enlargementFor({ height, width }: { height: number; width: number }): number {
  return Math.ceil(leastSide / Math.min(height, width));
}

interface Sizes {
  /** Pixels of the heat map. */
  height: number;
  width: number;
  enlargement: number;
}

/** A heat map for laying over its picture, as PNG: clear where it is 0, bright yellow where it is 1. */
export function drawHeatMap(heat: HeatMap, { height, width, enlargement }: Sizes): Promise<Buffer> {
  return sharp(colourLayer(heat), { raw: { height, width, channels: 4 } })
    .resize({ height: height * enlargement, width: width * enlargement, fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
}

/**
 * A heat map over its picture, as PNG.
 * @param picture uint8 [height * enlargement, width * enlargement, channels]
 */
export async function drawOverlay(
  heat: HeatMap,
  picture: Uint8Array,
  { channels, ...sizes }: Sizes & { channels: 1 | 3 },
): Promise<Buffer> {
  const { height, width, enlargement } = sizes;
  const large = { height: height * enlargement, width: width * enlargement };
  return sharp(picture, { raw: { ...large, channels } })
    .toColourspace('srgb')
    .composite([{ input: await drawHeatMap(heat, sizes) }])
    .png()
    .toBuffer();
}

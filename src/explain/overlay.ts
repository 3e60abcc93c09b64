import sharp from 'sharp';
import { resizePixels } from '../images/jpeg/index.ts';
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
  const grey = Uint8Array.from(
    { length: heat.length * 3 },
    (_, at) => 255 * (heat[Math.floor(at / 3)] as number),
  );
  const large = { height: height * enlargement, width: width * enlargement };
  const values = resizePixels({ data: grey, height, width }, { ...large, channels: 1, fit: 'fill' });
  const layer = colourLayer(Float32Array.from(values, (value) => value / 255));
  return sharp(layer, { raw: { ...large, channels: 4 } })
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

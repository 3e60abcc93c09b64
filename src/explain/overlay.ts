import sharp from 'sharp';
import { resizePixels } from '../images/jpeg/index.ts';
import { colourLayer } from './colours.ts';
import type { HeatMap } from './heat_map.ts';

/** Smallest shorter side of an overlay, in pixels. */
const minSide = 400;

/**
 * Factor by which a picture of the network's size is enlarged so that an overlay has at least 400 pixels a side.
 * @returns a whole number of at least 1.
 * @example
 * ```ts
 * import { enlargementFor } from 'bat-sup';
 *
 * console.log(enlargementFor({ height: 100, width: 150 })); // 4
 * ```
 */
export function enlargementFor({ height, width }: { height: number; width: number }): number {
  return Math.ceil(minSide / Math.min(height, width));
}

interface Sizes {
  /** Pixels of the heat map. */
  height: number;
  width: number;
  /** The drawing is larger than the heat map by this factor. */
  enlargement: number;
}

/** Draws a heat map as a PNG overlay for its picture: transparent where it is 0, bright yellow where it is 1. */
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
 * Draws a heat map over its picture.
 * @param heat float32 [height, width], 0..1.
 * @param picture uint8 [height * enlargement, width * enlargement, channels], from `model.decode`.
 * @returns PNG of height * enlargement x width * enlargement pixels.
 * @example
 * ```ts
 * import { readdir, writeFile } from 'node:fs/promises';
 * import { drawOverlay, enlargementFor, explain, loadModel } from 'bat-sup';
 *
 * const { predictor, classes, dispose } = await loadModel('checkpoints', { engine: 'wasm' });
 * const folder = `rawdata/${classes[0]}`;
 * const file = `${folder}/${(await readdir(folder))[0]}`;
 * const { gradCam } = await explain(predictor, await predictor.decode(file), { occlusion: false });
 * const enlargement = enlargementFor(predictor.description);
 * const sizes = { ...predictor.description, enlargement };
 * await writeFile('overlay.png', await drawOverlay(gradCam, await predictor.decode(file, enlargement), sizes));
 * await dispose();
 * ```
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

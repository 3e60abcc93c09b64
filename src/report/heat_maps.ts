import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { explain } from '../explain/explain.ts';
import { drawOverlay } from '../explain/overlay.ts';
import type { Predictor } from '../predict/predictor.ts';

/** Smallest shorter side of a heat map, in pixels. */
const minSide = 136;

/** A picture, and the class whose heat map is wanted. */
interface Wanted {
  file: string;
  class: string;
}

/** Grad-CAM of the class over its picture, as the data URL of a JPEG. */
async function drawHeatMap(model: Predictor, { class: name }: Wanted, bytes: Buffer): Promise<string> {
  const { width, height, channels } = model.description;
  const { gradCam } = await explain(model, await model.decode(bytes), { class: name, occlusion: false });
  const enlargement = Math.ceil(minSide / Math.min(width, height));
  const large = await model.decode(bytes, enlargement);
  const overlay = await drawOverlay(gradCam, large, { width, height, channels, enlargement });
  const picture = await sharp(overlay).jpeg({ quality: 75, mozjpeg: true }).toBuffer();
  return `data:image/jpeg;base64,${picture.toString('base64')}`;
}

/**
 * Draws Grad-CAM of classes as small JPEGs for embedding in the page.
 * @returns data URLs by the pictures' paths; empty where the network has no convolution.
 */
export async function drawHeatMaps(model: Predictor, pictures: Wanted[]): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  try {
    for (const one of pictures) {
      const bytes = await readFile(one.file).catch(() => undefined);
      if (bytes) drawn.set(one.file, await drawHeatMap(model, one, bytes));
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return drawn;
}

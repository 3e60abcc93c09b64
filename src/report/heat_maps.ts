import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import type { TopLoss } from '../evaluation/evaluate.ts';
import { explain } from '../explain/explain.ts';
import { drawOverlay } from '../explain/overlay.ts';
import type { Predictor } from '../predict/predictor.ts';

/** Pixels of the shorter side, at least. */
const leastSide = 136;

async function drawHeatMap(model: Predictor, { predicted }: TopLoss, bytes: Buffer): Promise<string> {
  const { width, height, channels } = model.description;
  const { gradCam } = await explain(model, await model.decode(bytes), { class: predicted, occlusion: false });
  const enlargement = Math.ceil(leastSide / Math.min(width, height));
  const large = await model.decode(bytes, enlargement);
  const overlay = await drawOverlay(gradCam, large, { width, height, channels, enlargement });
  const picture = await sharp(overlay).jpeg({ quality: 75, mozjpeg: true }).toBuffer();
  return `data:image/jpeg;base64,${picture.toString('base64')}`;
}

/**
 * Where the network saw the classes that it answered (Grad-CAM), as small JPEGs within the page.
 * @returns by file; empty where the network has no convolution to look into.
 */
export async function drawHeatMaps(model: Predictor, losses: TopLoss[]): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  try {
    for (const one of losses) {
      const bytes = await readFile(one.file).catch(() => undefined);
      if (bytes) drawn.set(one.file, await drawHeatMap(model, one, bytes));
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return drawn;
}

import type { Predictor } from '../predict/predictor.ts';
import { type HeatMap, normalise } from './heat_map.ts';

/** The result of {@link occlusion}. */
export interface Occlusion {
  /** float32 [height, width], 0..1. */
  heat: HeatMap;
  /** The largest drop of the class's probability that one patch causes, 0..1. */
  largestDrop: number;
}

/** A rectangle, in pixels. */
interface Patch {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Sides of the patches relative to the picture's, from coarse to fine. */
const patchShares = [1 / 4, 1 / 8, 1 / 16];
const minPatch = 2;
const grey = 128;
/** Finer patches go where the heat is at least this share of the maximum. */
const refineAbove = 0.5;
const batchSize = 16;

/** Start positions of the patches along a side: half a patch apart, the last one flush with the end. */
function starts(side: number, patch: number): number[] {
  const step = Math.max(1, Math.floor(patch / 2));
  const count = Math.ceil((side - patch) / step);
  return Array.from({ length: count + 1 }, (_, index) => Math.min(index * step, side - patch));
}

function patchesOf(height: number, width: number, share: number): Patch[] {
  const patchHeight = Math.min(height, Math.max(minPatch, Math.round(height * share)));
  const patchWidth = Math.min(width, Math.max(minPatch, Math.round(width * share)));
  return starts(height, patchHeight).flatMap((top) =>
    starts(width, patchWidth).map((left) => ({ top, left, height: patchHeight, width: patchWidth })),
  );
}

function covered(
  picture: Uint8Array,
  patch: Patch,
  { width, channels }: { width: number; channels: number },
) {
  // slice() would not copy a Buffer.
  const pixels = new Uint8Array(picture);
  for (let y = patch.top; y < patch.top + patch.height; y++) {
    const from = (y * width + patch.left) * channels;
    pixels.fill(grey, from, from + patch.width * channels);
  }
  return pixels;
}

/** 1 - probability of the class, exact even where the probability rounds to 1. */
function complement(logits: Float32Array, classIndex: number, isMultiLabel = false): number {
  const own = logits[classIndex] as number;
  if (isMultiLabel) return 1 / (1 + Math.exp(own));
  const others = logits.filter((_, index) => index !== classIndex);
  const largest = Math.max(...others);
  const sum = others.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return 1 / (1 + Math.exp(own - largest) / sum);
}

/** The drop of the class's probability that each patch causes; negative where the probability rises. */
async function dropsOf(
  model: Predictor,
  picture: Uint8Array,
  classIndex: number,
  patches: Patch[],
): Promise<number[]> {
  const missing = (logits: Float32Array) =>
    complement(
      logits.map((logit) => logit / model.temperature),
      classIndex,
      model.description.isMultiLabel,
    );
  const [whole] = (await model.predict([picture], 'none')) as [Float32Array];
  const before = missing(whole);
  const drops: number[] = [];
  for (let start = 0; start < patches.length; start += batchSize) {
    const batch = patches
      .slice(start, start + batchSize)
      .map((patch) => covered(picture, patch, model.description));
    for (const logits of await model.predict(batch, 'none')) drops.push(missing(logits) - before);
  }
  return drops;
}

/** Adds to each pixel the mean drop of the patches that cover it. */
function addDrops(heat: Float64Array, width: number, patches: Patch[], drops: number[]): void {
  const sums = new Float64Array(heat.length);
  const counts = new Uint32Array(heat.length);
  for (const [index, { top, left, height, width: patchWidth }] of patches.entries()) {
    for (let y = top; y < top + height; y++) {
      for (let at = y * width + left; at < y * width + left + patchWidth; at++) {
        sums[at] = (sums[at] as number) + (drops[index] as number);
        counts[at] = (counts[at] as number) + 1;
      }
    }
  }
  for (const [at, count] of counts.entries()) {
    if (count > 0) heat[at] = (heat[at] as number) + (sums[at] as number) / count;
  }
}

/** The largest value, at least 0. */
function largest(values: Iterable<number>): number {
  let max = 0;
  for (const value of values) max = Math.max(max, value);
  return max;
}

/**
 * Occlusion (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2): a grey patch
 * slides over the picture, and a region matters if covering it lowers the class's probability. It needs no gradients.
 * Where the coarse grid is hot it is refined with patches of half and a quarter the size. The heat of a pixel is the
 * mean drop of the patches that cover it, summed over the patch sizes.
 * @param picture uint8 [height, width, channels], from `model.decode`.
 */
export async function occlusion(
  model: Predictor,
  picture: Uint8Array,
  classIndex: number,
): Promise<Occlusion> {
  const { height, width } = model.description;
  const heat = new Float64Array(height * width);
  let largestDrop = 0;
  for (const [level, share] of patchShares.entries()) {
    const hot = largest(heat) * refineAbove;
    const centre = (patch: Patch) =>
      (patch.top + (patch.height >> 1)) * width + patch.left + (patch.width >> 1);
    const patches = patchesOf(height, width, share).filter(
      (patch) => level === 0 || (hot > 0 && (heat[centre(patch)] as number) >= hot),
    );
    if (patches.length === 0) break;
    const drops = await dropsOf(model, picture, classIndex, patches);
    addDrops(heat, width, patches, drops);
    largestDrop = Math.max(largestDrop, largest(drops));
  }
  return { heat: normalise(heat), largestDrop };
}

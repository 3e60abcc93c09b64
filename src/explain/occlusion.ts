import type { Predictor } from '../predict/predictor.ts';
import { type HeatMap, normalise } from './heat_map.ts';

export interface Occlusion {
  heat: HeatMap;
  /** By how much the best placed patch lowers the class's probability, 0..1. */
  largestDrop: number;
}

/** Pixels. */
interface Patch {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Of the picture's sides, from coarse to fine. */
const patchShares = [1 / 4, 1 / 8, 1 / 16];
const leastPatch = 2;
const grey = 128;
/** Finer patches go where the map is at least so hot, of the hottest. */
const worthRefining = 0.5;
const batchSize = 16;

/** Where patches start along a side: every half a patch, the last one flush with the end. */
function starts(side: number, patch: number): number[] {
  const step = Math.max(1, Math.floor(patch / 2));
  const count = Math.ceil((side - patch) / step);
  return Array.from({ length: count + 1 }, (_, index) => Math.min(index * step, side - patch));
}

function patchesOf(height: number, width: number, share: number): Patch[] {
  const patchHeight = Math.min(height, Math.max(leastPatch, Math.round(height * share)));
  const patchWidth = Math.min(width, Math.max(leastPatch, Math.round(width * share)));
  return starts(height, patchHeight).flatMap((top) =>
    starts(width, patchWidth).map((left) => ({ top, left, height: patchHeight, width: patchWidth })),
  );
}

function covered(
  picture: Uint8Array,
  patch: Patch,
  { width, channels }: { width: number; channels: number },
) {
  // Of a Buffer, slice would be no copy.
  const pixels = new Uint8Array(picture);
  for (let y = patch.top; y < patch.top + patch.height; y++) {
    const from = (y * width + patch.left) * channels;
    pixels.fill(grey, from, from + patch.width * channels);
  }
  return pixels;
}

/** What softmax leaves to the other classes: 1 - probability, and exact where the probability rounds to 1. */
function shareOfOthers(logits: Float32Array, classIndex: number): number {
  const own = logits[classIndex] as number;
  const others = logits.filter((_, index) => index !== classIndex);
  const largest = Math.max(...others);
  const sum = others.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return 1 / (1 + Math.exp(own - largest) / sum);
}

/** By how much each patch lowers the class's probability; below zero where it raises it. */
async function dropsOf(
  model: Predictor,
  picture: Uint8Array,
  classIndex: number,
  patches: Patch[],
): Promise<number[]> {
  const others = (logits: Float32Array) =>
    shareOfOthers(
      logits.map((logit) => logit / model.temperature),
      classIndex,
    );
  const [whole] = (await model.predict([picture], 'none')) as [Float32Array];
  const before = others(whole);
  const drops: number[] = [];
  for (let start = 0; start < patches.length; start += batchSize) {
    const batch = patches
      .slice(start, start + batchSize)
      .map((patch) => covered(picture, patch, model.description));
    for (const logits of await model.predict(batch, 'none')) drops.push(others(logits) - before);
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

function largest(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/**
 * Occlusion (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2): a grey patch
 * is slid over the picture, and what matters is where it lowers the class's probability. It needs no gradients. A
 * coarse grid is refined with patches of half the size, and a quarter, where it matters; a pixel's heat is the mean
 * drop of the patches that cover it, summed over the sizes.
 * @param picture uint8 [height, width, channels] as `model.decode` gives it.
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
    const hot = largest(heat) * worthRefining;
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

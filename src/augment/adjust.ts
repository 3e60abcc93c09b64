/** Adjustments of colour as Pillow's ImageEnhance and ImageOps make them, which the policies' papers used. */
import { copyOf } from './buffers.ts';
import { lookup, luma, toByte } from './changes.ts';
import type { AdaptiveLookupChange, LookupChange, PixelChange } from './operation.ts';
import type { Picture } from './picture.ts';
import { scaleColour, sumColours } from './warp/colours.ts';

/** Multiplies every value by the factor. */
export function adjustBrightness(factor: number): LookupChange {
  return lookup((value) => value * factor);
}

/** Multiplies every value's distance from the picture's mean luma by the factor. */
export function adjustContrast(factor: number): AdaptiveLookupChange {
  return {
    kind: 'adaptiveLookup',
    table(picture) {
      const mean = meanLuma(picture);
      return lookup((value) => mean + factor * (value - mean)).table;
    },
  };
}

function meanLuma(picture: Picture): number {
  return Math.round((luma(...sumColours(picture)) * 3) / picture.data.length);
}

/** Multiplies every pixel's distance from the grey of its luma by the factor. */
export function adjustSaturation(factor: number): PixelChange {
  return { kind: 'pixels', change: (picture) => scaleColour(picture, factor) };
}

/** Multiplies every value's distance from the smoothed picture by the factor; the outermost pixels stay as they are. */
export function adjustSharpness(factor: number): PixelChange {
  return {
    kind: 'pixels',
    change({ data, width, height }) {
      const output = copyOf(data);
      const row = width * 3;
      for (let y = 1; y < height - 1; y++) {
        for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
          const value = data[at] as number;
          const smooth = (sumOfNeighbours(data, at, row) + 5 * value) / 13;
          output[at] = toByte(smooth + factor * (value - smooth));
        }
      }
      return { data: output, width, height };
    },
  };
}

/** The sum of the eight neighbours. */
function sumOfNeighbours(data: Buffer, at: number, row: number): number {
  let sum = 0;
  for (const line of [at - row, at, at + row]) {
    sum += (data[line - 3] as number) + (data[line + 3] as number);
  }
  return sum + (data[at - row] as number) + (data[at + row] as number);
}

/** Equalises the histogram of each colour. */
export const equalise: AdaptiveLookupChange = {
  kind: 'adaptiveLookup',
  table: tableOfHistograms(equalisation),
};

/** Stretches each colour's values from its darkest and brightest to 0 and 255. */
export const stretchContrast: AdaptiveLookupChange = {
  kind: 'adaptiveLookup',
  table: tableOfHistograms(stretching),
};

/** @param replacementOf what replaces a value, 0..255, of a colour with this histogram. */
function tableOfHistograms(replacementOf: (histogram: Uint32Array) => (value: number) => number) {
  return ({ data }: Picture) => {
    const table = new Uint8Array(768);
    for (const channel of [0, 1, 2]) {
      const histogram = new Uint32Array(256);
      for (let at = channel; at < data.length; at += 3) {
        const value = data[at] as number;
        histogram[value] = (histogram[value] as number) + 1;
      }
      const replace = replacementOf(histogram);
      table.set(
        Uint8ClampedArray.from({ length: 256 }, (_, value) => replace(value)),
        channel * 256,
      );
    }
    return table;
  };
}

/** The cumulative histogram, without its brightest bin, in 255 equal steps; unchanged where there are too few pixels. */
function equalisation(histogram: Uint32Array): (value: number) => number {
  const used = histogram.filter((count) => count > 0);
  const total = used.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - (used.at(-1) ?? 0)) / 255);
  if (used.length <= 1 || step === 0) return (value) => value;
  let below = Math.floor(step / 2);
  const replaced = Array.from(histogram, (count) => {
    const value = Math.floor(below / step);
    below += count;
    return value;
  });
  return (value) => replaced[value] as number;
}

function stretching(histogram: Uint32Array): (value: number) => number {
  const darkest = histogram.findIndex((count) => count > 0);
  const brightest = histogram.findLastIndex((count) => count > 0);
  if (brightest <= darkest) return (value) => value;
  // Rounded down, not to the nearest, as in Pillow's autocontrast, with which the policies were measured.
  return (value) => Math.floor(((value - darkest) * 255) / (brightest - darkest));
}

/** Keeps only the upper bits of each value. */
export function posteriseValues(bits: number): LookupChange {
  const mask = 256 - 2 ** (8 - bits);
  return lookup((value) => value & mask);
}

/** Inverts the values from the threshold on. */
export function solariseValues(threshold: number): LookupChange {
  return lookup((value) => (value < threshold ? value : 255 - value));
}

import {
  luma,
  type MeasuredChange,
  type PixelsChange,
  toByte,
  type ValuesChange,
  values,
} from './operation.ts';
import type { Picture } from './picture.ts';
import { scaleColour, sumColours } from './warp/colours.ts';

/** Every value times a factor. */
export function brighter(factor: number): ValuesChange {
  return values((value) => value * factor);
}

/** Every value's distance from the picture's mean luma times a factor. */
export function moreContrast(factor: number): MeasuredChange {
  return {
    kind: 'measured',
    table(picture) {
      const middle = meanLuma(picture);
      return values((value) => middle + factor * (value - middle)).table;
    },
  };
}

function meanLuma(picture: Picture): number {
  return Math.round((luma(...sumColours(picture)) * 3) / picture.data.length);
}

/** Every pixel's distance from grey of its luma times a factor. */
export function moreColour(factor: number): PixelsChange {
  return { kind: 'pixels', change: (picture) => scaleColour(picture, factor) };
}

/** The distance from the smoothed picture times a factor; the outermost pixels stay as they are. */
export function sharper(factor: number): PixelsChange {
  return {
    kind: 'pixels',
    change({ data, width, height }) {
      const output = Buffer.from(data);
      const row = width * 3;
      for (let y = 1; y < height - 1; y++) {
        for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
          const value = data[at] as number;
          const smooth = (around(data, at, row) + 5 * value) / 13;
          output[at] = toByte(smooth + factor * (value - smooth));
        }
      }
      return { data: output, width, height };
    },
  };
}

/** The sum of the eight neighbours. */
function around(data: Buffer, at: number, row: number): number {
  let sum = 0;
  for (const line of [at - row, at, at + row]) {
    sum += (data[line - 3] as number) + (data[line + 3] as number);
  }
  return sum + (data[at - row] as number) + (data[at + row] as number);
}

/** Each colour's values spread so that all are about as frequent, as its histogram says. */
export const equalised: MeasuredChange = { kind: 'measured', table: ofHistograms(equalising) };

/** Each colour's values stretched from its darkest and brightest to 0 and 255. */
export const stretched: MeasuredChange = { kind: 'measured', table: ofHistograms(stretching) };

function ofHistograms(tableOf: (histogram: Uint32Array) => (value: number) => number) {
  return ({ data }: Picture) => {
    const table = new Uint8Array(768);
    for (const channel of [0, 1, 2]) {
      const histogram = new Uint32Array(256);
      for (let at = channel; at < data.length; at += 3) {
        const value = data[at] as number;
        histogram[value] = (histogram[value] as number) + 1;
      }
      const replace = tableOf(histogram);
      table.set(
        Uint8ClampedArray.from({ length: 256 }, (_, value) => replace(value)),
        channel * 256,
      );
    }
    return table;
  };
}

/** The cumulated histogram, less its brightest bin, in 255 equal steps; as it is where there are none. */
function equalising(histogram: Uint32Array): (value: number) => number {
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
  // Down, not to the nearest, as Pillow's autocontrast does, which the policies were measured with.
  return (value) => Math.floor(((value - darkest) * 255) / (brightest - darkest));
}

/** Only the upper bits of each value are kept. */
export function posterised(bits: number): ValuesChange {
  const mask = 256 - 2 ** (8 - bits);
  return values((value) => value & mask);
}

/** Values from the threshold on are inverted. */
export function solarised(threshold: number): ValuesChange {
  return values((value) => (value < threshold ? value : 255 - value));
}

import type { PictureSize } from '../../images/decode.ts';
import { placement } from '../../images/jpeg/codec.ts';

/**
 * Resampling as libvips does it, which decodes all but plain JPEGs for the command line (vips_resize with Lanczos's
 * kernel and a gap of 2): whole factors by averaging, until twice the size is left, the rest by Lanczos; enlarging by
 * Catmull and Rom's cubic. Values are bytes between the axes, down first.
 */

/** One axis of pictures laid out as [outer, length, inner]. */
interface Layout {
  outer: number;
  length: number;
  inner: number;
}

/** What part of an axis becomes how many results. */
interface Axis {
  start: number;
  size: number;
  results: number;
}

const lobes = 3;
/** Factors by averaging leave at least so much for the kernel. */
const gap = 2;

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  return (lobes * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / lobes)) / (Math.PI * x) ** 2;
}

function catmullRom(signed: number): number {
  const x = Math.abs(signed);
  if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}

/** Means of `factor` values after each other; the last are filled up with the last value. */
function average(from: Uint8Array, { outer, length, inner }: Layout, factor: number): Uint8Array {
  const results = Math.ceil(length / factor);
  const to = new Uint8Array(outer * results * inner);
  for (let block = 0; block < outer; block++)
    for (let result = 0; result < results; result++)
      for (let value = 0; value < inner; value++) {
        let sum = 0;
        for (let tap = 0; tap < factor; tap++) {
          const at = Math.min(length - 1, result * factor + tap);
          sum += from[(block * length + at) * inner + value] as number;
        }
        to[(block * results + result) * inner + value] = Math.round(sum / factor);
      }
  return to;
}

/** The first sample and the weights of one result; they sum to 1. */
function tapsOf(result: number, { start, size, results }: Axis): { first: number; weights: number[] } {
  const scale = size / results;
  const shrinks = scale >= 1;
  // libvips enlarges half a pixel of the result to the side.
  const centre = start + (shrinks ? result + 0.5 : result) * scale - 0.5;
  const [kernel, radius, width] = shrinks ? [lanczos, lobes * scale, scale] : [catmullRom, 2, 1];
  const first = Math.ceil(centre - radius);
  const taps = Math.floor(centre + radius) - first + 1;
  const weights = Array.from({ length: taps }, (_, tap) => kernel((first + tap - centre) / width));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

function weigh(from: Uint8Array, { outer, length, inner }: Layout, axis: Axis): Uint8Array {
  const { results } = axis;
  const to = new Uint8ClampedArray(outer * results * inner);
  for (let result = 0; result < results; result++) {
    const { first, weights } = tapsOf(result, axis);
    for (let block = 0; block < outer; block++)
      for (let value = 0; value < inner; value++) {
        let sum = 0;
        for (const [tap, weight] of weights.entries()) {
          const at = Math.min(length - 1, Math.max(0, first + tap));
          sum += weight * (from[(block * length + at) * inner + value] as number);
        }
        to[(block * results + result) * inner + value] = sum;
      }
  }
  return new Uint8Array(to.buffer);
}

function resampleAxis(from: Uint8Array, layout: Layout, { start, size, results }: Axis): Uint8Array {
  const factor = Math.max(1, Math.floor(size / results / gap));
  const shrunk = factor === 1 ? from : average(from, layout, factor);
  const length = Math.ceil(layout.length / factor);
  return weigh(shrunk, { ...layout, length }, { start: start / factor, size: size / factor, results });
}

/** vips_colourspace from sRGB to grey: linear light as Rec. 709 weighs it. [..., 3] -> [..., 1] */
function toGrey(pixels: Uint8Array): Uint8Array {
  const linear = (byte: number) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const coded = (light: number) => (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);
  return Uint8Array.from({ length: pixels.length / 3 }, (_, at) => {
    const [red, green, blue] = pixels.subarray(3 * at, 3 * at + 3);
    const light =
      0.2126 * linear(red as number) + 0.7152 * linear(green as number) + 0.0722 * linear(blue as number);
    return Math.round(255 * coded(light));
  });
}

/**
 * A picture brought to the network's size.
 * @param pixels RGB [height, width, 3]
 * @returns [size.height, size.width, size.channels]
 */
export function resample(
  { pixels, width, height }: { pixels: Uint8Array; width: number; height: number },
  size: PictureSize,
): Uint8Array {
  const { box, inner } = placement({ width, height }, size);
  const down = { start: box.top, size: box.height, results: inner.height };
  const rows = resampleAxis(pixels, { outer: 1, length: height, inner: width * 3 }, down);
  const across = { start: box.left, size: box.width, results: inner.width };
  const layout = { outer: inner.height, length: width, inner: 3 };
  const placed = resampleAxis(rows, layout, across);
  const whole = new Uint8Array(size.width * size.height * 3).fill(255);
  for (let y = 0; y < inner.height; y++)
    whole.set(
      placed.subarray(y * inner.width * 3, (y + 1) * inner.width * 3),
      ((inner.top + y) * size.width + inner.left) * 3,
    );
  return size.channels === 1 ? toGrey(whole) : whole;
}

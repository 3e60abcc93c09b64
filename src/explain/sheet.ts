import sharp from 'sharp';
import { Canvas, margin } from './canvas.ts';
import { colourOf } from './colours.ts';
import type { FeatureMaps } from './feature_maps.ts';
import { letterHeight, letteringWidth } from './lettering.ts';

/** Smallest longer side of a channel, in pixels. */
const minTile = 96;
const titleDot = 3;
const labelDot = 2;

function rangeOf(values: Float32Array): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, max };
}

/** Draws one channel, each of its values as a square of `zoom` x `zoom` pixels. */
function drawChannel(
  canvas: Canvas,
  maps: FeatureMaps,
  {
    channel,
    left,
    top,
    zoom,
    colour,
  }: {
    channel: number;
    left: number;
    top: number;
    zoom: number;
    colour: (value: number) => readonly number[];
  },
): void {
  for (let y = 0; y < maps.height; y++) {
    for (let x = 0; x < maps.width; x++) {
      const value = maps.values[(y * maps.width + x) * maps.channels + channel] as number;
      canvas.square(left + x * zoom, top + y * zoom, zoom, colour(value));
    }
  }
}

/**
 * Draws all channels of a layer side by side, numbered from 1 and on one colour scale, so that weak channels look weak.
 * The title gives the layer, its shape, and the values of the darkest and the brightest colour.
 * @returns PNG.
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { drawSheet } from 'bat-sup';
 *
 * const values = Float32Array.from({ length: 4 * 4 * 2 }, (_, index) => index);
 * await writeFile('conv1.png', await drawSheet({ layer: 'conv1', height: 4, width: 4, channels: 2, values }));
 * ```
 */
export function drawSheet(maps: FeatureMaps): Promise<Buffer> {
  const { layer, height, width, channels, values } = maps;
  const { min, max } = rangeOf(values);
  const title = `${layer}  ${height} x ${width} x ${channels}  ${min.toPrecision(3)} to ${max.toPrecision(3)}`;
  const zoom = Math.ceil(minTile / Math.max(height, width));
  const columns = Math.ceil(Math.sqrt(channels));
  const labelHeight = letterHeight * labelDot + margin / 2;
  const stepX = Math.max(width * zoom, letteringWidth(String(channels)) * labelDot) + margin;
  const stepY = height * zoom + labelHeight + margin;
  const firstRow = 2 * margin + letterHeight * titleDot;
  const canvas = new Canvas(
    firstRow + Math.ceil(channels / columns) * stepY,
    margin + Math.max(columns * stepX, letteringWidth(title) * titleDot + margin),
  );
  const colour = (value: number) => colourOf(max > min ? (value - min) / (max - min) : 0);

  canvas.text(title, margin, margin, titleDot);
  for (let channel = 0; channel < channels; channel++) {
    const left = margin + (channel % columns) * stepX;
    const top = firstRow + Math.floor(channel / columns) * stepY;
    canvas.text(String(channel + 1), left, top, labelDot);
    drawChannel(canvas, maps, { channel, left, top: top + labelHeight, zoom, colour });
  }
  return sharp(canvas.pixels, canvas.raw).png().toBuffer();
}

import sharp from 'sharp';
import { Canvas, margin } from './canvas.ts';
import { colourOf } from './colours.ts';
import type { FeatureMaps } from './feature_maps.ts';
import { letterHeight, letteringWidth } from './lettering.ts';

/** Pixels. */
const leastTile = 96;
const titleDot = 3;
const labelDot = 2;

function rangeOf(values: Float32Array): { least: number; most: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return { least, most };
}

/** Paints one channel, each of its values a square of `zoom` pixels. */
function paintChannel(
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
 * All channels of a layer side by side, as PNG: each with its number, all on one scale of colours, so that a channel
 * that says little looks so. The title tells the layer, its shape, and the values of the darkest and brightest colour.
 */
export function drawSheet(maps: FeatureMaps): Promise<Buffer> {
  const { layer, height, width, channels, values } = maps;
  const { least, most } = rangeOf(values);
  const title = `${layer}  ${height} x ${width} x ${channels}  ${least.toPrecision(3)} to ${most.toPrecision(3)}`;
  const zoom = Math.ceil(leastTile / Math.max(height, width));
  const columns = Math.ceil(Math.sqrt(channels));
  const labelHeight = letterHeight * labelDot + margin / 2;
  const stepX = Math.max(width * zoom, letteringWidth(String(channels)) * labelDot) + margin;
  const stepY = height * zoom + labelHeight + margin;
  const firstRow = 2 * margin + letterHeight * titleDot;
  const canvas = new Canvas(
    firstRow + Math.ceil(channels / columns) * stepY,
    margin + Math.max(columns * stepX, letteringWidth(title) * titleDot + margin),
  );
  const colour = (value: number) => colourOf(most > least ? (value - least) / (most - least) : 0);

  canvas.text(title, margin, margin, titleDot);
  for (let channel = 0; channel < channels; channel++) {
    const left = margin + (channel % columns) * stepX;
    const top = firstRow + Math.floor(channel / columns) * stepY;
    canvas.text(String(channel + 1), left, top, labelDot);
    paintChannel(canvas, maps, { channel, left, top: top + labelHeight, zoom, colour });
  }
  return sharp(canvas.pixels, canvas.raw).png().toBuffer();
}

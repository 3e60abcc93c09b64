import sharp from 'sharp';
import { Canvas, margin } from './canvas.ts';
import { colourLayer } from './colours.ts';
import { canDraw, letterHeight, letteringWidth } from './lettering.ts';

export interface Legend {
  /** What the heat map explains: its class, the class's place in the network's order, and its probability, 0..1. */
  class: string;
  classIndex: number;
  probability: number;
  method: 'Grad-CAM' | 'Occlusion';
}

/** Pixels of a dot of the letters. */
const maxTitleDot = 3;
const labelDot = 2;
const [low, high] = ['low', 'high'];

/** Pixels that a legend takes below a picture. */
export const legendHeight = 3 * margin + letterHeight * (maxTitleDot + labelDot);

/** The class and its probability; its number where its name has letters that cannot be drawn. */
function titleOf({ class: name, classIndex, probability }: Legend): string {
  return `${canDraw(name) ? name : `class ${classIndex + 1}`}  ${(100 * probability).toFixed(1)} %`;
}

/** The colours of a heat map from 0 to 1, RGBA [height, width, 4]. */
function scaleOf(height: number, width: number): Uint8ClampedArray<ArrayBuffer> {
  return colourLayer(Float32Array.from({ length: height * width }, (_, at) => (at % width) / (width - 1)));
}

/**
 * Puts below a heat map over its picture which class it is about, how likely that is, by which method it was found, and
 * what the colours mean.
 * @param overlay PNG, 400 pixels wide or more. @returns PNG, `legendHeight` higher.
 */
export async function addLegend(overlay: Buffer, legend: Legend): Promise<Buffer> {
  const { width, height } = (await sharp(overlay).metadata()) as { width: number; height: number };
  const strip = new Canvas(legendHeight, width);
  const title = titleOf(legend);
  const titleDot = Math.max(
    1,
    Math.min(maxTitleDot, Math.floor((width - 2 * margin) / letteringWidth(title))),
  );
  const top = 2 * margin + letterHeight * maxTitleDot;
  const wide = (text: string) => letteringWidth(text) * labelDot;
  const scaleLeft = 3 * margin + wide(legend.method) + wide(low) + margin;
  const scale = { height: letterHeight * labelDot, width: width - scaleLeft - wide(high) - 2 * margin };
  strip.text(title.slice(0, Math.floor((width - 2 * margin) / 4)), margin, margin, titleDot);
  strip.text(legend.method, margin, top, labelDot);
  strip.text(low, scaleLeft - margin - wide(low), top, labelDot);
  strip.text(high, width - margin - wide(high), top, labelDot);
  return sharp(overlay)
    .extend({ bottom: legendHeight })
    .composite([
      { input: Buffer.from(strip.pixels), ...strip.raw, top: height, left: 0 },
      {
        input: Buffer.from(scaleOf(scale.height, scale.width)),
        raw: { ...scale, channels: 4 },
        top: height + top,
        left: scaleLeft,
      },
    ])
    .png()
    .toBuffer();
}

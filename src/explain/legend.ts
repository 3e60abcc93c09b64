import sharp from 'sharp';
import { Canvas, margin } from './canvas.ts';
import { colourLayer } from './colours.ts';
import { canDraw, letterHeight, letteringWidth } from './lettering.ts';

export interface Legend {
  /** Name of the class that the heat map explains. */
  class: string;
  /** Its index in the network's classes. */
  classIndex: number;
  /** Its probability, 0..1. */
  probability: number;
  method: 'Grad-CAM' | 'Occlusion';
}

/** Pixels per dot of a letter. */
const maxTitleDot = 3;
const labelDot = 2;
const [low, high] = ['low', 'high'];

/** Pixels that the legend adds below the picture. */
export const legendHeight = 3 * margin + letterHeight * (maxTitleDot + labelDot);

/** The class and its probability; the number of the class where its name has letters that cannot be drawn. */
function titleOf({ class: name, classIndex, probability }: Legend): string {
  return `${canDraw(name) ? name : `class ${classIndex + 1}`}  ${(100 * probability).toFixed(1)} %`;
}

/** The colour scale from 0 to 1, left to right: RGBA, uint8 [height, width, 4]. */
function scaleOf(height: number, width: number): Uint8ClampedArray<ArrayBuffer> {
  return colourLayer(Float32Array.from({ length: height * width }, (_, at) => (at % width) / (width - 1)));
}

/**
 * Adds a legend below a drawn heat map: the class, its probability, the method and the colour scale.
 * @param overlay PNG, at least 400 pixels wide.
 * @returns PNG, `legendHeight` pixels taller.
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
  const labelWidth = (text: string) => letteringWidth(text) * labelDot;
  const scaleLeft = 3 * margin + labelWidth(legend.method) + labelWidth(low) + margin;
  const scale = { height: letterHeight * labelDot, width: width - scaleLeft - labelWidth(high) - 2 * margin };
  strip.text(title.slice(0, Math.floor((width - 2 * margin) / 4)), margin, margin, titleDot);
  strip.text(legend.method, margin, top, labelDot);
  strip.text(low, scaleLeft - margin - labelWidth(low), top, labelDot);
  strip.text(high, width - margin - labelWidth(high), top, labelDot);
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

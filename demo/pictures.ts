import type { PRNG } from 'seedrandom';
import sharp from 'sharp';

function between(random: PRNG, min: number, max: number): number {
  return min + (max - min) * random();
}

function colour(random: PRNG): string {
  const [hue, saturation, lightness] = [random() * 360, random() * 80, between(random, 20, 95)];
  return `hsl(${hue.toFixed(0)} ${saturation.toFixed(0)}% ${lightness.toFixed(0)}%)`;
}

/** A drawing at a random place and size on a random background, a gradient of two colours: SVG. */
export function compose(drawing: string, random: PRNG): string {
  const width = Math.round(between(random, 140, 280));
  const height = Math.round(between(random, 140, 280));
  const side = Math.min(width, height) * between(random, 0.65, 0.95);
  const x = between(random, 0, width - side);
  const y = between(random, 0, height - side);
  const angle = between(random, 0, 360);
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}">
<linearGradient id="background" gradientTransform="rotate(${angle} 0.5 0.5)">
<stop stop-color="${colour(random)}"/><stop offset="1" stop-color="${colour(random)}"/>
</linearGradient>
<rect width="100%" height="100%" fill="url(#background)"/>
${drawing.replace('<svg', `<svg x="${x}" y="${y}" width="${side}" height="${side}"`)}
</svg>`;
}

/** The same as a JPEG. */
export function photograph(drawing: string, random: PRNG): Promise<Buffer> {
  return sharp(Buffer.from(compose(drawing, random)))
    .jpeg({ quality: 92 })
    .toBuffer();
}

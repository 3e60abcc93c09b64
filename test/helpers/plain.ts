import sharp, { type Sharp } from 'sharp';

/** A picture of one colour, without an alpha channel. */
export function plain(
  background: string | { r: number; g: number; b: number },
  width: number,
  height = width,
): Sharp {
  return sharp({ create: { width, height, channels: 3, background } });
}

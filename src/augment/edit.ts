import type { Sharp } from 'sharp';
import type { Picture } from './picture.ts';

/** Runs a sharp pipeline that keeps the picture's size. */
export async function edit(
  { data, width, height }: Picture,
  change: (image: Sharp) => Sharp,
): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return { data: await change(image).raw().toBuffer(), width, height };
}

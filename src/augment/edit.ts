import type { Sharp } from 'sharp';
import type { Picture } from './picture.ts';

/** One sharp pipeline over a picture, its size kept. */
export async function edit(
  { data, width, height }: Picture,
  change: (image: Sharp) => Sharp,
): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return { data: await change(image).raw().toBuffer(), width, height };
}

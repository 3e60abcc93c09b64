import { rename, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { claimedSize, openUpright, readably, readPicture } from '../images/decode.ts';
import { resizePixels } from '../images/jpeg/index.ts';
import { withMark } from '../images/mark.ts';
import { temporaryName } from '../system/files.ts';

/** Decoded pixels: uint8 sRGB [height, width, 3]. */
export interface Picture {
  data: Buffer;
  width: number;
  height: number;
}

/** Huffman tables made for each picture would save 5 % of the bytes and take as long as everything else together. */
const jpeg = { quality: 92, optimiseCoding: false };

/**
 * A source as 8-bit sRGB: turned as its EXIF orientation says, on white where it is transparent, its first frame
 * where it is animated.
 * @param longestSide most pixels of width and height; smaller ones stay as they are
 * @throws {Error} with the reason in a few words.
 */
export async function decodeSource(file: string, longestSide: number): Promise<Picture> {
  const { data, info } = await readably(file, async () =>
    (await openUpright(file)).image
      .flatten({ background: 'white' })
      .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  return { data, width: info.width, height: info.height };
}

/** A picture stretched to a size. */
export function fitTo({ data, width, height }: Picture, size: Omit<Picture, 'data'>): Picture {
  const target = { width: size.width, height: size.height };
  if (width === target.width && height === target.height) return { data, width, height };
  const fitted = resizePixels({ data, width, height }, { ...target, channels: 3, fit: 'fill' });
  return { data: Buffer.from(fitted.buffer), ...target };
}

/** Writes a JPEG; never a half one. @param digests of what it was made of. */
export async function writePicture(
  { data, width, height }: Picture,
  file: string,
  digests: string[],
): Promise<void> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  await writeWhole(file, withMark(await image.jpeg(jpeg).toBuffer(), digests));
}

/** The file is there whole, or not at all. What can be made again need not be synced to the disk. */
export async function writeWhole(file: string, bytes: Buffer): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** What a file's header says, without decoding its pixels. @throws {Error} with the reason in a few words. */
export async function checkHeader(file: string): Promise<void> {
  await claimedSize(await readPicture(file));
}

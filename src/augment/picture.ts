import { rename, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { asUnreadable, headerSize, openUpright, readPicture } from '../images/decode.ts';
import { resizePixels } from '../images/jpeg/index.ts';
import { withMark } from '../images/mark.ts';
import { temporaryName } from '../system/files.ts';

/** Decoded pixels. */
export interface Picture {
  /** uint8 sRGB [height, width, 3]. */
  data: Buffer;
  width: number;
  height: number;
}

/** Optimised Huffman tables would save 5 % of the bytes and take as long as everything else together. */
const jpeg = { quality: 92, optimiseCoding: false };

/**
 * Decodes a source to 8-bit sRGB: upright (EXIF orientation), transparency on white, the first frame of an animation.
 * @param longestSide larger pictures are shrunk so that neither side has more pixels.
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export async function decodeSource(file: string, longestSide: number): Promise<Picture> {
  const { data, info } = await asUnreadable(file, async () =>
    (await openUpright(file)).image
      .flatten({ background: 'white' })
      .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  return { data, width: info.width, height: info.height };
}

/** Stretches a picture to a size. */
export function stretchTo({ data, width, height }: Picture, size: Omit<Picture, 'data'>): Picture {
  const target = { width: size.width, height: size.height };
  if (width === target.width && height === target.height) return { data, width, height };
  const fitted = resizePixels({ data, width, height }, { ...target, channels: 3, fit: 'fill' });
  return { data: Buffer.from(fitted.buffer), ...target };
}

/** Writes a marked JPEG, atomically. @param digests SHA-256 of the files that it was made from, hexadecimal. */
export async function writePicture(
  { data, width, height }: Picture,
  file: string,
  digests: string[],
): Promise<void> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  await writeAtomically(file, withMark(await image.jpeg(jpeg).toBuffer(), digests));
}

/** The file is there whole or not at all. It is not synced to the disk, since it can be made again. */
export async function writeAtomically(file: string, bytes: Buffer): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Reads the header alone, not the pixels. @throws {UnreadablePicture} with the reason in a few words. */
export async function checkHeader(file: string): Promise<void> {
  await headerSize(await readPicture(file));
}

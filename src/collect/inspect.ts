import type { Metadata } from 'sharp';
import { openPicture, standardise, unreadableReason } from '../images/decode.ts';
import { FetchFailure } from './failure.ts';

const extensions: Record<string, string> = {
  jpeg: 'jpg',
  png: 'png',
  gif: 'gif',
  webp: 'webp',
  tiff: 'tif',
  heif: 'avif',
  svg: 'svg',
  // Decoded by ourselves: a BMP.
  raw: 'bmp',
};

/**
 * Decodes a picture as training will, so that a broken one is known now.
 * @param maxPixels width times height at most; a small file can hold a picture that fills the memory.
 * @returns its size in pixels and the extension for what it is.
 * @throws {FetchFailure} where it is too large or cannot be decoded.
 */
export async function inspectPicture(
  file: string,
  maxPixels: number,
): Promise<{ width: number; height: number; extension: string }> {
  try {
    const { width, height, format } = await readHeader(file);
    if (width * height > maxPixels) {
      const megapixels = `${Math.round(maxPixels / 1e6)} megapixels`;
      throw new FetchFailure(`its ${width} x ${height} pixels are more than ${megapixels}`, 'never');
    }
    const small = { width: 16, height: 16, channels: 3, fit: 'fill' } as const;
    await standardise(file, small);
    return { width, height, extension: extensions[format] ?? format };
  } catch (error) {
    if (error instanceof FetchFailure) throw error;
    throw new FetchFailure(await unreadableReason(file, error), 'never');
  }
}

async function readHeader(file: string): Promise<Metadata> {
  return (await openPicture(file)).metadata();
}

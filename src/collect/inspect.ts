import { decodeWithSharp, headerSize, readPicture, unreadableReason } from '../images/decode.ts';
import { extensionsOf } from '../images/extensions.ts';
import { sniff } from '../images/sniff.ts';
import { FetchFailure } from './failure.ts';

/**
 * Decodes a picture as training will, so that a broken one is found now.
 * @param maxPixels largest width times height; a small file can hold a picture that fills the memory.
 * @returns its size in pixels and the extension for its format.
 * @throws {FetchFailure} where it is too large or cannot be decoded.
 */
export async function inspectPicture(
  file: string,
  maxPixels: number,
): Promise<{ width: number; height: number; extension: string }> {
  try {
    const bytes = await readPicture(file);
    const { width, height } = await headerSize(bytes);
    if (width * height > maxPixels) {
      const megapixels = `${Math.round(maxPixels / 1e6)} megapixels`;
      throw new FetchFailure(`its ${width} x ${height} pixels are more than ${megapixels}`, 'never');
    }
    const small = { width: 16, height: 16, channels: 3, fit: 'fill' } as const;
    await decodeWithSharp(bytes, small);
    // XML that sniff does not recognise is SVG if it can be decoded.
    return { width, height, extension: extensionsOf[sniff(bytes) ?? '']?.[0] ?? 'svg' };
  } catch (error) {
    if (error instanceof FetchFailure) throw error;
    throw new FetchFailure(await unreadableReason(file, error), 'never');
  }
}

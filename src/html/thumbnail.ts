import sharp from 'sharp';
import { decodeWithSharp } from '../images/decode.ts';

/** A picture as the data URL of a small JPEG, padded to a square; undefined where it cannot be read. */
export async function thumbnail(file: string, side: number): Promise<string | undefined> {
  try {
    const size = { width: side, height: side, channels: 3, fit: 'contain' } as const;
    const picture = await sharp(await decodeWithSharp(file, size), { raw: size })
      .jpeg({ quality: 75, mozjpeg: true })
      .toBuffer();
    return `data:image/jpeg;base64,${picture.toString('base64')}`;
  } catch {
    return undefined;
  }
}

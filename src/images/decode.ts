import { open } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { reason } from '../errors.ts';
import { resizeJpeg } from './jpeg/index.ts';
import { sniff } from './sniff.ts';

// Several pictures are in flight at once, so that one core each is the fastest.
sharp.concurrency(1);
sharp.cache(false);

export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
  /** 1: grey. 3: RGB. */
  channels: 1 | 3;
  /** 'fill' stretches to the size, 'cover' crops to it, 'contain' pads with white. */
  fit: 'fill' | 'cover' | 'contain';
}

/**
 * Any picture as 8-bit sRGB, or grey, of one size: turned as its EXIF orientation says, on white where it is
 * transparent, its first frame where it is animated.
 */
export function standardise(input: string | Buffer, size: PictureSize): Sharp {
  const { width, height, channels, fit } = size;
  return sharp(input, { failOn: 'error', animated: false })
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(width, height, { fit, background: 'white' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb');
}

async function firstBytes(input: string | Buffer): Promise<Uint8Array> {
  if (typeof input !== 'string') return input.subarray(0, 512);
  const handle = await open(input);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Why a picture cannot be read, in a few words. */
export async function unreadableReason(input: string | Buffer, error: unknown): Promise<string> {
  try {
    const bytes = await firstBytes(input);
    if (bytes.length === 0) return 'the file is empty';
    const kind = sniff(bytes);
    if (kind === 'BMP') return 'BMP is not supported; convert it to PNG';
    if (kind === undefined) return 'not a picture';
    if (['HTML', 'PDF', 'text'].includes(kind)) return `not a picture but ${kind}`;
    return `damaged ${kind} (${reason(error).split('\n')[0]})`;
  } catch (readError) {
    return reason(readError);
  }
}

/** A picture as an error of one line, for whoever reports it. */
export async function readably<T>(input: string | Buffer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(await unreadableReason(input, error));
  }
}

/**
 * A picture's pixels, uint8 [height, width, channels].
 * @param input path or bytes of anything that sharp reads.
 * @throws {Error} with the reason in a few words.
 */
export async function decodePicture(input: string | Buffer, size: PictureSize): Promise<Uint8Array> {
  const pixels = await resizeJpeg({ input, target: size });
  if (pixels instanceof Uint8Array) return pixels;
  return readably(input, () => standardise(input, size).raw().toBuffer());
}

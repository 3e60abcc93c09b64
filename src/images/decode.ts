import { constants, open } from 'node:fs/promises';
import type { Sharp, SharpOptions } from 'sharp';
import { reason } from '../errors.ts';
import { decodeBmp, readBmpSize } from './bmp.ts';
import { placement, type Target } from './jpeg/codec.ts';
import { readJpegHeader } from './jpeg/header.ts';
import { resizeJpeg, resizePixels } from './jpeg/index.ts';
import { loadSharp } from './load_sharp.ts';
import { sniff } from './sniff.ts';

export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
  /** 1: grey, the luma of ITU-R BT.601. 3: RGB. */
  channels: 1 | 3;
  /** 'fill' stretches to the size, 'cover' crops evenly to it, 'contain' pads with white. */
  fit: 'fill' | 'cover' | 'contain';
}

/** More are taken for a decompression bomb; cameras have up to 150 million. */
const mostPixels = 200_000_000;
const mostBytes = 512 * 2 ** 20;

/** Says itself, in a few words, why a picture cannot be read. */
export class UnreadablePicture extends Error {}

const openingErrors: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'reading it is not permitted',
  ELOOP: 'a link that leads to itself',
  ENXIO: 'not a regular file',
};

async function openFile(file: string) {
  try {
    return await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const known = openingErrors[(error as NodeJS.ErrnoException).code ?? ''];
    throw known ? new UnreadablePicture(known) : error;
  }
}

/**
 * The bytes of a picture's file. A pipe or a device among the pictures is not waited for.
 * @throws {Error} with the reason in a few words.
 */
export async function readPicture(file: string): Promise<Buffer> {
  const handle = await openFile(file);
  try {
    const status = await handle.stat();
    if (!status.isFile())
      throw new UnreadablePicture(status.isDirectory() ? 'a folder' : 'not a regular file');
    if (status.size > mostBytes) throw new UnreadablePicture('the file is larger than 512 MiB');
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** A picture for sharp, which is given bytes: an SVG cannot load other files then. @param options of sharp's. */
export async function openPicture(input: string | Buffer, options: SharpOptions = {}): Promise<Sharp> {
  const bytes = typeof input === 'string' ? await readPicture(input) : input;
  const sharp = await loadSharp();
  if (sniff(bytes) === 'BMP') {
    const { data, width, height } = await decodeBmp(bytes, mostPixels);
    return sharp(data, { raw: { width, height, channels: 3 } });
  }
  return sharp(bytes, { failOn: 'error', animated: false, limitInputPixels: mostPixels, ...options });
}

/** A picture for sharp, turned as its EXIF orientation says, with its size then, pixels. It can be shrunk as it is. */
export async function openUpright(input: string | Buffer, options?: SharpOptions) {
  const image = (await openPicture(input, options)).autoOrient();
  const { format, autoOrient } = await image.metadata();
  const { width, height } = autoOrient;
  // A JPEG that is shrunk while it is decoded becomes whole blocks, taken for the picture though they reach beyond it. What
  // is cut out first is not shrunk so.
  if (format === 'jpeg' && (width % 8 > 0 || height % 8 > 0))
    image.extract({ left: 0, top: 0, width, height });
  return { image, format, width, height };
}

/** Pixels that libvips leaves for each pixel of the result, across and down; what it shrinks beyond them stays centred. */
const oversampling = 2;

/**
 * Any picture as 8-bit sRGB, or grey, of one size: turned as its EXIF orientation says, on white where it is
 * transparent, its first frame where it is animated. libvips decodes it and shrinks it most of the way; the rest, and all
 * enlarging (which libvips does half a pixel to the side), is ours.
 * @returns pixels uint8 [height, width, channels], or a JPEG where the target has a quality.
 */
export async function standardise(
  input: string | Buffer,
  target: Target,
  options?: SharpOptions,
): Promise<Uint8Array> {
  const { image, format, width, height } = await openUpright(input, options);
  const { box, inner } = placement({ width, height }, target);
  // Drawings of lines are drawn at the size asked for.
  const [samples, most] = format === 'svg' ? [1, Number.POSITIVE_INFINITY] : [oversampling, 1];
  const across = Math.min(most, (samples * inner.width) / box.width);
  const down = Math.min(most, (samples * inner.height) / box.height);
  const { data, info } = await image
    .flatten({ background: 'white' })
    .resize(Math.ceil(width * across), Math.ceil(height * down), { fit: 'fill' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [x, y] = [info.width / width, info.height / height];
  const taken = { left: box.left * x, top: box.top * y, width: box.width * x, height: box.height * y };
  return resizePixels({ data, width: info.width, height: info.height }, target, { box: taken, inner });
}

/** Why a picture cannot be read, in a few words. */
export async function unreadableReason(input: string | Buffer, error: unknown): Promise<string> {
  if (error instanceof UnreadablePicture) return error.message;
  try {
    const bytes = typeof input === 'string' ? await readPicture(input) : input;
    if (bytes.length === 0) return 'the file is empty';
    const kind = sniff(bytes);
    if (kind === undefined) return 'not a picture';
    if (['HTML', 'PDF', 'text'].includes(kind)) return `not a picture but ${kind}`;
    if (/pixel limit/.test(reason(error))) return `it has more than ${mostPixels / 1e6} million pixels`;
    // What libvips says may be of another picture, which failed at the same time on another thread.
    return kind === 'BMP' ? `damaged BMP (${reason(error)})` : `damaged ${kind}`;
  } catch (unreadable) {
    return reason(unreadable);
  }
}

/** A picture as an error of one line, for whoever reports it. */
export async function readably<T>(input: string | Buffer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UnreadablePicture(await unreadableReason(input, error));
  }
}

/**
 * Width and height that a picture's header claims, pixels; nothing is decoded.
 * @throws {Error} with the reason in a few words.
 */
export function claimedSize(bytes: Buffer): Promise<{ width: number; height: number }> {
  return readably(bytes, async () => {
    if (sniff(bytes) === 'BMP') return readBmpSize(bytes);
    return readJpegHeader(bytes) ?? (await openPicture(bytes)).metadata();
  });
}

/**
 * A picture's pixels, uint8 [height, width, channels].
 * @param input path or bytes of anything that sharp reads.
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export async function decodePicture(input: string | Buffer, size: PictureSize): Promise<Uint8Array> {
  const pixels = await resizeJpeg({ input, target: size });
  if (pixels instanceof Uint8Array) return pixels;
  return readably(input, () => standardise(input, size));
}

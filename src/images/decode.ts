import { constants, open } from 'node:fs/promises';
import type { Sharp, SharpOptions } from 'sharp';
import { reason } from '../errors.ts';
import { placement, type Target } from './jpeg/codec.ts';
import { readJpegHeader } from './jpeg/header.ts';
import { resizeJpeg, resizePixels } from './jpeg/index.ts';
import { rareJpeg } from './jpeg_process.ts';
import { loadSharp } from './load_sharp.ts';
import type { OwnKind } from './own_decoders.ts';
import type { PictureSize } from './picture_size.ts';
import {
  isUnsupported,
  type RawPicture,
  UnreadablePicture,
  unknownKind,
  unsupported,
} from './raw_picture.ts';
import { adviceFor, sniff } from './sniff.ts';
import { isPlainTiff, rareTiff } from './tiff_tags.ts';

export { UnreadablePicture };

/** More are taken for a decompression bomb; cameras have up to 150 million. */
const mostPixels = 200_000_000;
const mostBytes = 512 * 2 ** 20;

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

/** What a file is. @throws {UnreadablePicture} for a kind that is known and not read. */
function kindOf(bytes: Buffer): string | undefined {
  const kind = sniff(bytes);
  const todo = adviceFor.get(kind ?? '');
  if (todo !== undefined) throw unsupported(kind as string, todo);
  return kind;
}

/** Whether it is decoded here, since sharp does not read it, or not right. */
function isOwnKind(kind: string | undefined, bytes: Buffer): kind is OwnKind {
  return kind === 'TIFF' ? !isPlainTiff(bytes) : ownKinds.has(kind ?? '');
}

/** What sharp decodes, which is given bytes: an SVG cannot load other files then. */
async function openBySharp(bytes: Buffer, options: SharpOptions = {}): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(bytes, { failOn: 'error', animated: false, limitInputPixels: mostPixels, ...options });
}

/**
 * A picture for sharp, decoded as far as sharp cannot do it.
 * @param options of sharp's.
 * @throws {UnreadablePicture} for a kind that is not read.
 */
export async function openPicture(input: string | Buffer, options?: SharpOptions): Promise<Sharp> {
  const bytes = typeof input === 'string' ? await readPicture(input) : input;
  const kind = kindOf(bytes);
  if (isOwnKind(kind, bytes)) {
    const { decodeOurselves } = await import('./own_decoders.ts');
    return openRaw(await decodeOurselves(kind, bytes, mostPixels));
  }
  const picture = await openBySharp(bytes, options);
  const isConverted = canHaveWideProfile.has(kind ?? '') && !options?.ignoreIcc;
  return isConverted ? withoutWideProfile(picture) : picture;
}

async function openRaw({ data, width, height, channels }: RawPicture): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: mostPixels });
}

const canHaveWideProfile = new Set(['PNG', 'TIFF', 'AVIF']);

/**
 * sharp takes colours of 16 bits with a profile to Display P3, and calls them sRGB. Here they are taken to sRGB first,
 * with all their bits.
 */
async function withoutWideProfile(picture: Sharp): Promise<Sharp> {
  const { space, depth, hasProfile } = await picture.metadata();
  if (!hasProfile || depth !== 'ushort' || space !== 'rgb16') return picture;
  const wide = picture
    .autoOrient()
    .withIccProfile('srgb', { attach: false })
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' });
  const { data, info } = await wide.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return openRaw({
    data: new Uint16Array(data.buffer, data.byteOffset, data.length / 2),
    width,
    height,
    channels,
  });
}

/** A picture for sharp, turned as its EXIF orientation says, with its size then, pixels. It can be shrunk as it is. */
export async function openUpright(input: string | Buffer | Sharp, options?: SharpOptions) {
  const isOpen = typeof input !== 'string' && !Buffer.isBuffer(input);
  const image = (isOpen ? input : await openPicture(input, options)).autoOrient();
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
 * @param input a path, a file's bytes, or what {@link openPicture} has opened.
 * @returns pixels uint8 [height, width, channels], or a JPEG where the target has a quality.
 */
export async function decodeWithSharp(
  input: string | Buffer | Sharp,
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
    return reasonFor(bytes, reason(error));
  } catch (unreadable) {
    return reason(unreadable);
  }
}

/** @param failure what a decoder said. */
function reasonFor(bytes: Buffer, failure: string): string {
  const kind = sniff(bytes);
  if (kind === undefined) return unknownKind;
  if (['HTML', 'text'].includes(kind)) return `${kind}, not a picture`;
  const todo = adviceFor.get(kind);
  if (todo !== undefined) return unsupported(kind, todo).message;
  const rare = kind === 'JPEG' ? rareJpeg(bytes) : kind === 'TIFF' ? rareTiff(bytes) : undefined;
  if (rare !== undefined) return unsupported(rare).message;
  if (/pixel limit|million pixels/.test(failure))
    return `it has more than ${mostPixels / 1e6} million pixels`;
  if (isUnsupported(failure)) return failure;
  // What libvips says may be of another picture, which failed at the same time on another thread.
  return ownKinds.has(kind) && failure ? `damaged ${kind} (${failure})` : `damaged ${kind}`;
}

/** Whose decoders speak of the picture that they were given. */
const ownKinds = new Set(['BMP', 'PNM', 'HEIC']);

/** A picture as an error of one line, for whoever reports it. */
export async function asUnreadable<T>(input: string | Buffer, work: () => Promise<T>): Promise<T> {
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
export function headerSize(bytes: Buffer): Promise<{ width: number; height: number }> {
  return asUnreadable(bytes, async () => {
    const kind = kindOf(bytes);
    if (isOwnKind(kind, bytes)) return (await import('./own_decoders.ts')).ownSize(kind, bytes);
    return readJpegHeader(bytes) ?? (await openBySharp(bytes)).metadata();
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
  return asUnreadable(input, () => decodeWithSharp(input, size));
}

import { constants, type FileHandle, open } from 'node:fs/promises';
import type { Sharp, SharpOptions } from 'sharp';
import { reason } from '../errors.ts';
import { placement, type Target } from './jpeg/codec.ts';
import { isMarkedCropped } from './jpeg/crop_mark.ts';
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

/** Larger pictures are refused as decompression bombs; cameras have up to 150 million pixels. */
const maxPixels = 200_000_000;
const maxBytes = 512 * 2 ** 20;

const openingErrors: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
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
 * Reads the file of a picture, without waiting for a pipe or a device.
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export async function readPicture(file: string): Promise<Buffer> {
  return withFile(file, (handle) => handle.readFile());
}

/** libvips reads them as it decodes them, in less time than it takes to read them first. */
const streamedKinds = ['PNG', 'WebP'];

/** Bytes that tell the kinds that are streamed. */
const headBytes = 16;

/** Reads the file of a picture, unless it is of a kind that is streamed: then that kind is all it returns. */
function readUnlessStreamed(file: string): Promise<Buffer | string> {
  return withFile(file, async (handle) => {
    const { buffer } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const kind = sniff(buffer) ?? '';
    return streamedKinds.includes(kind) ? kind : handle.readFile();
  });
}

async function withFile<T>(file: string, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await openFile(file);
  try {
    const status = await handle.stat();
    if (!status.isFile())
      throw new UnreadablePicture(status.isDirectory() ? 'a folder' : 'not a regular file');
    if (status.size > maxBytes) throw new UnreadablePicture('the file is larger than 512 MiB');
    return await read(handle);
  } finally {
    await handle.close();
  }
}

/** The kind of a file. @throws {UnreadablePicture} for a known kind that is not supported. */
function supportedKind(bytes: Buffer): string | undefined {
  const kind = sniff(bytes);
  const advice = adviceFor.get(kind ?? '');
  if (advice !== undefined) throw unsupported(kind as string, advice);
  return kind;
}

/** Whether we decode it ourselves, since sharp cannot, or gets it wrong. */
function isOwnKind(kind: string | undefined, bytes: Buffer): kind is OwnKind {
  return kind === 'TIFF' ? !isPlainTiff(bytes) : ownKinds.has(kind ?? '');
}

/** @param input bytes, or the path of a streamed kind: given a path, an SVG could load other files. */
async function openWithSharp(input: string | Buffer, options: SharpOptions = {}): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(input, { failOn: 'error', animated: false, limitInputPixels: maxPixels, ...options });
}

/**
 * Opens a picture with sharp. Kinds that sharp cannot decode are decoded here first.
 * @throws {UnreadablePicture} for a kind that is not supported.
 */
export async function openPicture(input: string | Buffer, options?: SharpOptions): Promise<Sharp> {
  const read = typeof input === 'string' ? await readUnlessStreamed(input) : input;
  const isStreamed = typeof read === 'string';
  const kind = isStreamed ? read : supportedKind(read);
  if (!isStreamed && isOwnKind(kind, read)) {
    const { decodeOurselves } = await import('./own_decoders.ts');
    return openRaw(await decodeOurselves(kind, read, maxPixels));
  }
  const picture = await openWithSharp(isStreamed ? (input as string) : read, options);
  const mayHaveWideProfile = kindsWithWideProfile.has(kind ?? '') && !options?.ignoreIcc;
  return mayHaveWideProfile ? convertWideProfile(picture) : picture;
}

async function openRaw({ data, width, height, channels }: RawPicture): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: maxPixels });
}

const kindsWithWideProfile = new Set(['PNG', 'TIFF', 'AVIF']);

/**
 * Converts 16-bit colours with a profile to sRGB, keeping all bits. sharp by itself would convert them to Display P3 and
 * call them sRGB.
 */
async function convertWideProfile(picture: Sharp): Promise<Sharp> {
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

/**
 * Opens a picture upright, as its EXIF orientation says, ready to be shrunk.
 * @returns width and height are those of the upright picture, pixels.
 */
export async function openUpright(input: string | Buffer | Sharp, options?: SharpOptions) {
  const isOpen = typeof input !== 'string' && !Buffer.isBuffer(input);
  const image = (isOpen ? input : await openPicture(input, options)).autoOrient();
  const { format, autoOrient } = await image.metadata();
  const { width, height } = autoOrient;
  // libvips would shrink whole blocks of a JPEG while decoding, and count what lies beyond its edges as part of the picture.
  // After extract it does not.
  if (format === 'jpeg' && (width % 8 > 0 || height % 8 > 0))
    image.extract({ left: 0, top: 0, width, height });
  return { image, format, width, height };
}

/**
 * libvips shrinks to this multiple of the result's size, along each side; it stays centred when it shrinks that much. At 4
 * the result is that of the whole picture within 2 of 255.
 */
const oversampling = { lanczos3: 2, bicubic: 4, bilinear: 4 };

/** Pixels that an SVG is drawn with at most: where only a small share of it is used, the rest would take all the memory. */
const maxDrawn = 2 ** 26;

/**
 * Decodes and resizes any picture to 8-bit sRGB or grey: upright (EXIF orientation), transparency on white, the first frame
 * of an animation. libvips decodes it and shrinks it most of the way. The rest is done here, and so is all enlarging,
 * which libvips shifts by half a pixel.
 * @param input a path, a file's bytes, or what {@link openPicture} returned.
 * @returns pixels, uint8 [height, width, channels], or the bytes of a JPEG where the target has a quality.
 */
export async function decodeWithSharp(
  input: string | Buffer | Sharp,
  target: Target,
  options?: SharpOptions,
): Promise<Uint8Array> {
  if (typeof input === 'string' && (target.crop ?? 1) !== 1)
    return decodeWithSharp(await readPicture(input), target, options);
  const isCropped = Buffer.isBuffer(input) && isMarkedCropped(input);
  const { image, format, width, height } = await openUpright(input, options);
  const { box, inner } = placement({ width, height, isCropped }, target);
  // An SVG is rendered at the size of the result.
  const [samples, maxScale] =
    format === 'svg' ? [1, Number.POSITIVE_INFINITY] : [oversampling[target.filter ?? 'lanczos3'], 1];
  const across = Math.min(maxScale, (samples * inner.width) / box.width);
  const down = Math.min(maxScale, (samples * inner.height) / box.height);
  const less = Math.min(1, Math.sqrt(maxDrawn / (width * across * height * down)));
  const { data, info } = await image
    .flatten({ background: 'white' })
    .resize(Math.ceil(width * across * less), Math.ceil(height * down * less), { fit: 'fill' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [x, y] = [info.width / width, info.height / height];
  const part = { left: box.left * x, top: box.top * y, width: box.width * x, height: box.height * y };
  return resizePixels({ data, width: info.width, height: info.height }, target, { box: part, inner });
}

/** Why a picture cannot be read, in a few words. @param error what decoding it threw. */
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

/** @param failure the decoder's message. */
function reasonFor(bytes: Buffer, failure: string): string {
  const kind = sniff(bytes);
  if (kind === undefined) return unknownKind;
  if (['HTML', 'text'].includes(kind)) return `${kind}, not a picture`;
  const advice = adviceFor.get(kind);
  if (advice !== undefined) return unsupported(kind, advice).message;
  const rare = kind === 'JPEG' ? rareJpeg(bytes) : kind === 'TIFF' ? rareTiff(bytes) : undefined;
  if (rare !== undefined) return unsupported(rare).message;
  if (/pixel limit|million pixels/.test(failure)) return `it has more than ${maxPixels / 1e6} million pixels`;
  if (isUnsupported(failure)) return failure;
  // libvips's message may belong to another picture, which failed at the same time on another thread.
  return ownKinds.has(kind) && failure ? `damaged ${kind} (${failure})` : `damaged ${kind}`;
}

/** Kinds that we always decode ourselves, so that the decoder's message is about this picture. */
const ownKinds = new Set(['BMP', 'PNM', 'HEIC']);

/** Runs work on a picture. @throws {UnreadablePicture} for whatever it throws, with the reason in a few words. */
export async function asUnreadable<T>(input: string | Buffer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UnreadablePicture(await unreadableReason(input, error));
  }
}

/**
 * Width and height from a picture's header, pixels, without decoding it.
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export function headerSize(bytes: Buffer): Promise<{ width: number; height: number }> {
  return asUnreadable(bytes, async () => {
    const kind = supportedKind(bytes);
    if (isOwnKind(kind, bytes)) return (await import('./own_decoders.ts')).ownSize(kind, bytes);
    return readJpegHeader(bytes) ?? (await openWithSharp(bytes)).metadata();
  });
}

/**
 * Decodes and resizes a picture. Plain JPEGs take a fast path.
 * @param input path or bytes of a picture of any supported kind.
 * @returns pixels, uint8 [height, width, channels].
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export async function decodePicture(input: string | Buffer, size: PictureSize): Promise<Uint8Array> {
  const pixels = await resizeJpeg({ input, target: size });
  if (pixels instanceof Uint8Array) return pixels;
  return asUnreadable(input, () => decodeWithSharp(input, size));
}

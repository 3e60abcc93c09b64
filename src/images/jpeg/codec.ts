import type { PictureSize } from '../picture_size.ts';
import { markCropped } from './crop_mark.ts';
import type { JpegHeader } from './header.ts';

/** What a decoded picture is to become. */
export interface Target extends PictureSize {
  /** Quality of a JPEG, 1..100; without it the result is pixels. */
  quality?: number | undefined;
}

/** Pixels. */
interface Size {
  width: number;
  height: number;
}

/** The exports of jpeg.wasm (assembly/index.ts). */
interface Exports {
  memory: WebAssembly.Memory;
  begin(bytes: number): number;
  planAddress(): number;
  resizeJpeg(): number;
  resizePixels(): void;
  toPixels(channels: number): number;
  encode(quality: number): number;
  encodedAddress(): number;
}

/**
 * Resizes a picture with the target's filter: a Lanczos kernel of three lobes, a bicubic or a bilinear one, which are widened
 * when shrinking (as Pillow's are). Pixel centres are at .5. Grey is luma (ITU-R BT.601) of the gamma-encoded values.
 * @param bytes a JPEG, or pixels, uint8 RGB [height, width, 3].
 * @param source the JPEG's header, or the pixels' size.
 * @param placed which part of the picture goes where; by default as the target's `fit` says.
 * @returns pixels, uint8 [height, width, channels], or a JPEG where the target has a quality; undefined for a damaged picture.
 */
export type Codec = (
  bytes: Uint8Array,
  source: JpegHeader | Size,
  target: Target,
  placed?: Placement,
) => Uint8Array | undefined;

interface Box extends Size {
  left: number;
  top: number;
}

/** The part of a picture that is used, which may begin within a pixel, and the part of the result that it fills. */
export interface Placement {
  box: Box;
  inner: Box;
}

type Fitted = Pick<PictureSize, 'width' | 'height' | 'fit' | 'crop'>;

/**
 * Which part of the picture goes where: 'fill' stretches, 'cover' crops evenly, 'contain' leaves margins. The target's crop
 * comes first; a picture whose header says that it was cropped is not cropped again.
 */
export function placement(picture: Size & { isCropped?: boolean }, target: Fitted): Placement {
  const { fit, crop = 1 } = target;
  if (crop === 1 || picture.isCropped) return placeWhole(picture, target);
  if (fit === 'cover') return placeCentre(picture, target, crop);
  const share = { width: picture.width * crop, height: picture.height * crop };
  const { box, inner } = placeWhole(share, target);
  const [left, top] = [(picture.width - share.width) / 2, (picture.height - share.height) / 2];
  return { box: { ...box, left, top }, inner };
}

/** To the nearest integer, halves to the nearest even one, as Python's round does. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * As Resize and CenterCrop of torchvision do it, with the same rounding: the picture is resized so that it covers
 * floor(width / crop) x floor(height / crop), its longer side rounded down, and the middle is cut out, at whole pixels.
 */
function placeCentre(picture: Size, { width, height }: Size, crop: number): Placement {
  const [wide, high] = [Math.floor(width / crop), Math.floor(height / crop)];
  const isWidthTight = wide * picture.height >= high * picture.width;
  const resized = isWidthTight
    ? { width: wide, height: Math.floor((wide * picture.height) / picture.width) }
    : { width: Math.floor((high * picture.width) / picture.height), height: high };
  const [across, down] = [picture.width / resized.width, picture.height / resized.height];
  const box = {
    left: roundHalfToEven((resized.width - width) / 2) * across,
    top: roundHalfToEven((resized.height - height) / 2) * down,
    width: width * across,
    height: height * down,
  };
  return { box, inner: { left: 0, top: 0, width, height } };
}

function placeWhole(picture: Size, { width, height, fit }: Fitted): Placement {
  const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
  const everywhere = { left: 0, top: 0, width, height };
  if (fit === 'fill') return { box: whole, inner: everywhere };
  const [across, down] = [picture.width / width, picture.height / height];
  if (fit === 'cover') {
    const shrink = Math.min(across, down);
    const part = { width: width * shrink, height: height * shrink };
    const [left, top] = [(picture.width - part.width) / 2, (picture.height - part.height) / 2];
    return { box: { left, top, ...part }, inner: everywhere };
  }
  const shrink = Math.max(across, down);
  const innerWidth = Math.max(1, Math.round(picture.width / shrink));
  const innerHeight = Math.max(1, Math.round(picture.height / shrink));
  const [left, top] = [Math.floor((width - innerWidth) / 2), Math.floor((height - innerHeight) / 2)];
  return { box: whole, inner: { left, top, width: innerWidth, height: innerHeight } };
}

const planWords = 19;
const componentWords = 14;

/** In the order of assembly/plan.ts. */
const filters = ['lanczos3', 'bicubic', 'bilinear'];

/**
 * A JPEG is decoded to means of blocks of pixels, as long as so many of them remain for each pixel of the result, along each
 * side. At 1 that is fastest; at 2 the result is near to that of the whole picture: with Pillow's bicubic filter, pixels
 * differ by 0.5 of 255 on average instead of 1.6.
 */
const oversampling = { lanczos3: 1, bicubic: 2, bilinear: 2 };

/** The words that assembly/plan.ts reads. */
function makePlan(
  fileBytes: number,
  source: JpegHeader | Size,
  target: Target,
  { box, inner }: Placement,
): Uint32Array {
  const { components = [], scanStart = 0, restartInterval = 0 }: Partial<JpegHeader> = source;
  const words = new Uint32Array(planWords + components.length * componentWords);
  words.set([fileBytes, scanStart, source.width, source.height, components.length, restartInterval]);
  words.set([target.width, target.height, inner.left, inner.top, inner.width, inner.height], 6);
  new Float32Array(words.buffer).set([box.left, box.top, box.width, box.height], 12);
  const { filter = 'lanczos3' } = target;
  words[16] = Math.min(target.channels, components.length || 3);
  words[17] = filters.indexOf(filter);
  new Float32Array(words.buffer)[18] = oversampling[filter];
  for (const [index, { horizontal, vertical, quantisation, dcCounts, acCounts }] of components.entries())
    words.set([horizontal, vertical, quantisation, dcCounts, acCounts], planWords + index * componentWords);
  return words;
}

/** Bytes of memory above which the instance is replaced, so that one huge picture does not take memory for ever. */
const maxMemory = 1 << 28;

/** Makes a decoder and resampler with its own memory. */
export function makeCodec(module: WebAssembly.Module): Codec {
  let exports = instantiate();

  function instantiate(): Exports {
    const abort = () => {
      throw new Error('the JPEG decoder aborted');
    };
    return new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Exports;
  }

  function work(
    bytes: Uint8Array,
    source: JpegHeader | Size,
    target: Target,
    placed: Placement,
  ): Uint8Array | undefined {
    const file = exports.begin(bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, file);
    new Uint32Array(exports.memory.buffer).set(
      makePlan(bytes.length, source, target, placed),
      exports.planAddress() / 4,
    );
    if (!('components' in source)) exports.resizePixels();
    else if (!exports.resizeJpeg()) return undefined;
    const { width, height, channels, quality, crop = 1 } = target;
    if (quality === undefined) {
      const at = exports.toPixels(channels);
      return new Uint8Array(exports.memory.buffer).slice(at, at + width * height * channels);
    }
    const size = exports.encode(quality);
    const at = exports.encodedAddress();
    const jpeg = new Uint8Array(exports.memory.buffer).slice(at, at + size);
    return crop === 1 ? jpeg : markCropped(jpeg);
  }

  return (bytes, source, target, placed = placement(source, target)) => {
    try {
      return work(bytes, source, target, placed);
    } catch {
      // Too large for the module's memory, or damaged so that it reads past the end.
      exports = instantiate();
      return undefined;
    } finally {
      if (exports.memory.buffer.byteLength > maxMemory) exports = instantiate();
    }
  };
}

import type { PictureSize } from '../picture_size.ts';
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
 * Resizes a picture with a Lanczos kernel of three lobes, which is widened when shrinking (as Pillow's LANCZOS is). Pixel
 * centres are at .5. Grey is luma (ITU-R BT.601) of the gamma-encoded values.
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

/** Which part of the picture goes where: 'fill' stretches, 'cover' crops evenly, 'contain' leaves margins. */
export function placement(
  picture: Size,
  { width, height, fit }: Pick<PictureSize, 'width' | 'height' | 'fit'>,
): Placement {
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

const planWords = 17;
const componentWords = 14;

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
  words[16] = Math.min(target.channels, components.length || 3);
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
    const { width, height, channels, quality } = target;
    const size = quality === undefined ? width * height * channels : exports.encode(quality);
    const at = quality === undefined ? exports.toPixels(channels) : exports.encodedAddress();
    return new Uint8Array(exports.memory.buffer).slice(at, at + size);
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

import type { PictureSize } from '../picture_size.ts';
import type { JpegHeader } from './header.ts';

/** What a decoded picture is to become. */
export interface Target extends PictureSize {
  /** Of a JPEG; without it the result is pixels. */
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
 * Brings a picture to a size: with Lanczos's kernel of three lobes, stretched where it shrinks (as Pillow's LANCZOS does),
 * pixel centres at .5 whether it shrinks or enlarges. Grey is luma (ITU-R BT.601) of the gamma-encoded values.
 * @param bytes a JPEG's, or pixels RGB [height, width, 3].
 * @param source the JPEG's header, or the pixels' size.
 * @param placed what of the picture goes where; otherwise as the target's `fit` says.
 * @returns undefined for a damaged picture.
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

/** The part of a picture that is taken, which may begin within a pixel, and where that goes. */
export interface Placement {
  box: Box;
  inner: Box;
}

/** What of the picture goes where: fill stretches, cover crops evenly, contain leaves room. */
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
    const taken = { width: width * shrink, height: height * shrink };
    const [left, top] = [(picture.width - taken.width) / 2, (picture.height - taken.height) / 2];
    return { box: { left, top, ...taken }, inner: everywhere };
  }
  const shrink = Math.max(across, down);
  const innerWidth = Math.max(1, Math.round(picture.width / shrink));
  const innerHeight = Math.max(1, Math.round(picture.height / shrink));
  const [left, top] = [Math.floor((width - innerWidth) / 2), Math.floor((height - innerHeight) / 2)];
  return { box: whole, inner: { left, top, width: innerWidth, height: innerHeight } };
}

const planWords = 17;
const componentWords = 14;

/** The words of assembly/plan.ts. */
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

/** Bytes of memory after which an instance is made anew: one huge picture shall not cost for ever. */
const mostMemory = 1 << 28;

/** A decoder and resampler with memory of its own. */
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
      // Too large for a module's memory, or damaged in a way that reads past its end.
      exports = instantiate();
      return undefined;
    } finally {
      if (exports.memory.buffer.byteLength > mostMemory) exports = instantiate();
    }
  };
}

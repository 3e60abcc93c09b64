import type { PictureSize } from '../decode.ts';
import type { JpegHeader } from './header.ts';

/** What a decoded picture is to become. */
export interface Target extends PictureSize {
  /** Of a JPEG; without it the result is pixels. */
  quality?: number | undefined;
}

/** The exports of jpeg.wasm (assembly/index.ts). */
interface Exports {
  memory: WebAssembly.Memory;
  begin(bytes: number): number;
  planAddress(): number;
  resize(): number;
  toPixels(channels: number): number;
  encode(quality: number): number;
  encodedAddress(): number;
}

export type JpegCodec = (bytes: Uint8Array, header: JpegHeader, target: Target) => Uint8Array | undefined;

/** Larger pictures than the file's, and grey ones of colours, are made as sharp makes those of other formats. */
export function suits({ width, height, components }: JpegHeader, target: Target): boolean {
  const becomesGrey = components.length === 3 && target.channels === 1;
  return width >= target.width && height >= target.height && !becomesGrey;
}

/** What of the picture goes where: fill stretches, cover crops, contain leaves room. */
export function placement(
  header: { width: number; height: number },
  { width, height, fit }: Pick<PictureSize, 'width' | 'height' | 'fit'>,
) {
  const whole = { left: 0, top: 0, width: header.width, height: header.height };
  const everywhere = { left: 0, top: 0, width, height };
  if (fit === 'fill') return { box: whole, inner: everywhere };
  const [across, down] = [header.width / width, header.height / height];
  if (fit === 'cover') {
    // Rounded as sharp rounds, so that a JPEG and a PNG of the same picture are cut alike.
    const shrink = Math.min(across, down);
    const cut = (whole: number, part: number) => {
      const shrunk = Math.round(whole / shrink);
      const start = Math.floor((shrunk - part + 1) / 2);
      return [(start * whole) / shrunk, (part * whole) / shrunk] as const;
    };
    const [left, boxWidth] = cut(header.width, width);
    const [top, boxHeight] = cut(header.height, height);
    return { box: { left, top, width: boxWidth, height: boxHeight }, inner: everywhere };
  }
  const shrink = Math.max(across, down);
  const innerWidth = Math.max(1, Math.round(header.width / shrink));
  const innerHeight = Math.max(1, Math.round(header.height / shrink));
  const [left, top] = [Math.floor((width - innerWidth) / 2), Math.floor((height - innerHeight) / 2)];
  return { box: whole, inner: { left, top, width: innerWidth, height: innerHeight } };
}

const componentWords = 14;

/** The words of assembly/plan.ts. */
function makePlan(fileBytes: number, header: JpegHeader, target: Target): Uint32Array {
  const { box, inner } = placement(header, target);
  const { width, height, components, scanStart, restartInterval } = header;
  const words = new Uint32Array(16 + components.length * componentWords);
  words.set([fileBytes, scanStart, width, height, components.length, restartInterval]);
  words.set([target.width, target.height, inner.left, inner.top, inner.width, inner.height], 6);
  new Float32Array(words.buffer).set([box.left, box.top, box.width, box.height], 12);
  for (const [index, { horizontal, vertical, quantisation, dcCounts, acCounts }] of components.entries())
    words.set([horizontal, vertical, quantisation, dcCounts, acCounts], 16 + index * componentWords);
  return words;
}

/** Bytes of memory after which an instance is made anew: one huge picture shall not cost for ever. */
const mostMemory = 1 << 28;

/** A decoder with memory of its own. It returns undefined for a damaged picture. */
export function makeCodec(module: WebAssembly.Module): JpegCodec {
  let exports = instantiate();

  function instantiate(): Exports {
    const abort = () => {
      throw new Error('the JPEG decoder aborted');
    };
    return new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Exports;
  }

  function work(bytes: Uint8Array, header: JpegHeader, target: Target): Uint8Array | undefined {
    const file = exports.begin(bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, file);
    new Uint32Array(exports.memory.buffer).set(
      makePlan(bytes.length, header, target),
      exports.planAddress() / 4,
    );
    if (!exports.resize()) return undefined;
    const { width, height, channels, quality } = target;
    const size = quality === undefined ? width * height * channels : exports.encode(quality);
    const at = quality === undefined ? exports.toPixels(channels) : exports.encodedAddress();
    return new Uint8Array(exports.memory.buffer).slice(at, at + size);
  }

  return (bytes, header, target) => {
    try {
      return work(bytes, header, target);
    } catch {
      // Too large for a module's memory, or damaged in a way that reads past its end.
      exports = instantiate();
      return undefined;
    } finally {
      if (exports.memory.buffer.byteLength > mostMemory) exports = instantiate();
    }
  };
}

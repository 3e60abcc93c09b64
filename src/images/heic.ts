/** HEIC, the format of phones: HEVC in an ISO base media file (ISO/IEC 23008-12), decoded by libheif. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadSharp } from './load_sharp.ts';
import type { RawPicture } from './raw_picture.ts';

interface Box {
  type: string;
  /** Offsets of its contents. */
  start: number;
  end: number;
}

/** The boxes between two offsets of a file (ISO/IEC 14496-12, 4.2). */
function* boxesIn(bytes: Buffer, start: number, end: number): Generator<Box> {
  for (let at = start; at + 8 <= end; ) {
    const short = bytes.readUInt32BE(at);
    const isLong = short === 1 && at + 16 <= end;
    const size = short === 0 ? end - at : isLong ? Number(bytes.readBigUInt64BE(at + 8)) : short;
    if (size < 8 || at + size > end) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + (isLong ? 16 : 8), end: at + size };
    at += size;
  }
}

/** The boxes at a path of box types. */
function* findBoxes(
  bytes: Buffer,
  [type, ...deeper]: string[],
  start = 0,
  end = bytes.length,
): Generator<Box> {
  for (const box of boxesIn(bytes, start, end)) {
    if (box.type !== type) continue;
    // A meta box begins with its version and flags.
    const contents = box.start + (type === 'meta' ? 4 : 0);
    if (deeper.length === 0) yield box;
    else yield* findBoxes(bytes, deeper, contents, box.end);
  }
}

/**
 * Width and height of the largest image in the file, pixels, before rotation.
 * @throws {Error} where it claims none.
 */
export function readHeicSize(bytes: Buffer): { width: number; height: number } {
  let largest = { width: 0, height: 0 };
  for (const { start, end } of findBoxes(bytes, ['meta', 'iprp', 'ipco', 'ispe'])) {
    if (end - start < 12) continue;
    const size = { width: bytes.readUInt32BE(start + 4), height: bytes.readUInt32BE(start + 8) };
    if (size.width * size.height > largest.width * largest.height) largest = size;
  }
  if (largest.width * largest.height === 0) throw new Error('it has no pixels');
  return largest;
}

/** The ICC profile: phones use wider colour spaces than sRGB. */
function readProfile(bytes: Buffer): Buffer | undefined {
  for (const { start, end } of findBoxes(bytes, ['meta', 'iprp', 'ipco', 'colr'])) {
    const type = bytes.toString('latin1', start, start + 4);
    if (type === 'prof' || type === 'rICC') return bytes.subarray(start + 4, end);
  }
  return undefined;
}

interface HeifImage {
  get_width(): number;
  get_height(): number;
  is_primary(): boolean;
  display(
    target: { data: Uint8ClampedArray; width: number; height: number },
    done: (shown: unknown) => void,
  ): void;
}

interface Libheif {
  HeifDecoder: new () => { decode(bytes: Uint8Array): HeifImage[] };
}

type Instantiate = (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => object;

let compiled: { make: (options: { instantiateWasm: Instantiate }) => Libheif; module: WebAssembly.Module };

/** Makes a new decoder for each picture, so that neither damage nor the memory of a large one outlives it. */
function makeLibheif(): Libheif {
  const require = createRequire(import.meta.url);
  const folder = 'libheif-js/libheif-wasm/libheif';
  compiled ??= {
    make: require(`${folder}.js`),
    module: new WebAssembly.Module(readFileSync(require.resolve(`${folder}.wasm`))),
  };
  const { make, module } = compiled;
  return make({
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
}

interface Rgba extends RawPicture {
  data: Uint8Array;
  channels: 4;
}

/** Wraps pixels in an uncompressed TIFF with their profile (TIFF 6.0; ICC.1, B.4), so that sharp can convert them. */
function asTiff({ data, width, height }: Rgba, profile: Buffer): Buffer {
  const pixelsStart = 8 + 2 + 12 * 12 + 4 + 8;
  const profileStart = pixelsStart + data.length;
  const [short, long, undefinedType] = [3, 4, 7];
  const entries = [
    [256, long, 1, width],
    [257, long, 1, height],
    // Four samples of 8 bits; their sizes stand behind the entries.
    [258, short, 4, pixelsStart - 8],
    [259, short, 1, 1],
    [262, short, 1, 2],
    [273, long, 1, pixelsStart],
    [277, short, 1, 4],
    [278, long, 1, height],
    [279, long, 1, data.length],
    [284, short, 1, 1],
    [338, short, 1, 2],
    [34675, undefinedType, profile.length, profileStart],
  ] as const;
  const head = Buffer.alloc(pixelsStart);
  head.write('II*\0\x08\0\0\0', 'latin1');
  head.writeUInt16LE(entries.length, 8);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 10 + 12 * index;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(count, at + 4);
    head.writeUInt32LE(value, at + 8);
  }
  for (let at = pixelsStart - 8; at < pixelsStart; at += 2) head.writeUInt16LE(8, at);
  return Buffer.concat([head, data, profile]);
}

async function toSrgb(picture: Rgba, profile: Buffer): Promise<RawPicture> {
  const sharp = await loadSharp();
  const image = sharp(asTiff(picture, profile), { limitInputPixels: false }).toColourspace('srgb').raw();
  return { ...picture, data: await image.toBuffer() };
}

/**
 * Decodes the primary image, upright, to sRGB with alpha.
 * @throws {Error} where it is damaged.
 */
export async function decodeHeic(bytes: Buffer): Promise<RawPicture> {
  readHeicSize(bytes);
  const images = new (makeLibheif().HeifDecoder)().decode(bytes);
  const image = images.find((one) => one.is_primary()) ?? images[0];
  if (!image) throw new Error('libheif finds no image in it');
  const [width, height] = [image.get_width(), image.get_height()];
  const data = new Uint8ClampedArray(width * height * 4);
  const shown = await new Promise((resolve) => image.display({ data, width, height }, resolve));
  if (!shown) throw new Error('libheif cannot decode it');
  const picture: Rgba = { data: new Uint8Array(data.buffer), width, height, channels: 4 };
  const profile = readProfile(bytes);
  return profile ? toSrgb(picture, profile) : picture;
}

/**
 * TIFFs that libvips does not convert correctly (TIFF 6.0): samples of 32 bits or floating point, extra samples, YCbCr and
 * CIELab. libvips decodes the samples; the conversion is done here.
 */
import { loadSharp } from './load_sharp.ts';
import { type RawPicture, unsupported } from './raw_picture.ts';
import { toBytes } from './samples.ts';
import {
  alphas,
  firstValue,
  photometrics,
  readTiffTags,
  sampleFormats,
  type TiffField,
  type TiffTags,
  tags,
} from './tiff_tags.ts';

const arrays = {
  uchar: Uint8Array,
  char: Int8Array,
  ushort: Uint16Array,
  short: Int16Array,
  uint: Uint32Array,
  int: Int32Array,
  float: Float32Array,
};

/** Reads the samples as the file has them, but upright. @returns channels is the number of samples per pixel. */
async function readSamples(bytes: Buffer) {
  const sharp = await loadSharp();
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
  const { space, depth } = await image.metadata();
  const Samples = arrays[depth as keyof typeof arrays];
  if (!Samples) throw unsupported(`TIFF with ${depth} samples`);
  const pixels = image
    .autoOrient()
    .toColourspace(space)
    .raw({ depth: depth as keyof typeof arrays });
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
  const samples = new Samples(data.buffer, data.byteOffset, data.length / Samples.BYTES_PER_ELEMENT);
  return { samples, width: info.width, height: info.height, channels: info.channels as number };
}

/** Keeps the first `kept` of every `channels` samples. */
function keepFirst<T extends Awaited<ReturnType<typeof readSamples>>['samples']>(
  samples: T,
  channels: number,
  kept: number,
): T {
  if (channels === kept) return samples;
  const result = samples.slice(0, (samples.length / channels) * kept) as T;
  for (let from = 0, to = 0; to < result.length; from += channels)
    for (let channel = 0; channel < kept; channel++) result[to++] = samples[from + channel] as number;
  return result;
}

/** ITU-R BT.601, the default of TIFF 6.0, section 21. Values are 0..255. */
function fromYCbCr(y: number, cb: number, cr: number): [number, number, number] {
  const [blue, red] = [cb - 128, cr - 128];
  return [y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue];
}

/** CIE 15, with sRGB's matrix for D50 (Bradford), the white of ICC profiles. @returns values 0..255. */
function fromLab(lightness: number, a: number, b: number): [number, number, number] {
  const fy = (lightness + 16) / 116;
  const cube = (f: number) => (f > 6 / 29 ? f ** 3 : 3 * (6 / 29) ** 2 * (f - 4 / 29));
  const [x, y, z] = [0.96422 * cube(fy + a / 500), cube(fy), 0.82521 * cube(fy - b / 200)];
  const gamma = (linear: number) =>
    255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055);
  return [
    gamma(3.1338561 * x - 1.6168667 * y - 0.4906146 * z),
    gamma(-0.9787684 * x + 1.9161415 * y + 0.033454 * z),
    gamma(0.0719453 * x - 0.2289914 * y + 1.4052427 * z),
  ];
}

function mapPixels(
  samples: Uint8Array,
  convert: (a: number, b: number, c: number) => [number, number, number],
): Uint8Array {
  const result = new Uint8ClampedArray(samples.length);
  for (let at = 0; at < samples.length; at += 3)
    result.set(convert(samples[at] as number, samples[at + 1] as number, samples[at + 2] as number), at);
  return new Uint8Array(result.buffer);
}

const signed = (byte: number) => (byte < 128 ? byte : byte - 256);
const fromLabBytes = (lightness: number, a: number, b: number) =>
  fromLab((lightness * 100) / 255, signed(a), signed(b));

/** @throws {UnreadablePicture} for colours or samples that are not supported. */
function checkVariant(found: TiffTags): void {
  const photometric = firstValue(found, tags.photometric, 1);
  const bits = firstValue(found, tags.bits, 1);
  const channels = firstValue(found, tags.samplesPerPixel, 1);
  const extras = found.get(tags.extraSamples)?.values.length ?? 0;
  if (!Object.values(photometrics).includes(photometric))
    throw unsupported(`TIFF of photometric ${photometric} with ${channels} samples of ${bits} bits`);
  const isGrey = photometric <= photometrics.blackIsZero;
  if (isGrey && extras > 1) throw unsupported(`TIFF of ${channels} channels`);
  if (bits > 32) throw unsupported(`TIFF with samples of ${bits} bits`);
  const isOther = photometric > photometrics.rgb;
  const isSubsampled = photometric === photometrics.yCbCr && firstValue(found, tags.subsampling, 2) !== 1;
  if (isOther && (bits !== 8 || extras > 0 || isSubsampled))
    throw unsupported(`TIFF in ${photometric === photometrics.yCbCr ? 'YCbCr' : 'CIELab'} of this kind`);
}

/** A copy of the file in which CIELab is declared as RGB, so that libvips leaves the samples as they are. */
function declareLabAsRgb(bytes: Buffer, found: TiffTags): Buffer {
  if (firstValue(found, tags.photometric, 1) !== photometrics.cieLab) return bytes;
  const copy = Buffer.from(bytes);
  const isLittle = bytes[0] === 0x49;
  copy[(found.get(tags.photometric) as TiffField).at + (isLittle ? 0 : 1)] = photometrics.rgb;
  return copy;
}

/** Divides the colours by alpha, with which they were multiplied. */
function unpremultiply(pixels: Uint8Array, channels: number): Uint8Array {
  const result = new Uint8ClampedArray(pixels);
  for (let at = 0; at < pixels.length; at += channels) {
    const alpha = pixels[at + channels - 1] as number;
    if (alpha === 0) continue;
    for (let channel = 0; channel < channels - 1; channel++)
      result[at + channel] = ((pixels[at + channel] as number) * 255) / alpha;
  }
  return new Uint8Array(result.buffer);
}

/**
 * Decodes a TIFF to grey or RGB, with alpha where it has it, upright: 16 bits where it has 16, else 8. Other extra samples are
 * ignored.
 * @throws {Error} where it is damaged, or of an unsupported variant.
 */
export async function decodeTiff(bytes: Buffer): Promise<RawPicture> {
  const found: TiffTags = readTiffTags(bytes) ?? new Map();
  checkVariant(found);
  const photometric = firstValue(found, tags.photometric, 1);
  const { samples, width, height, channels } = await readSamples(declareLabAsRgb(bytes, found));
  const colours = photometric >= photometrics.rgb ? 3 : 1;
  const extra = firstValue(found, tags.extraSamples, 0);
  const hasAlpha = (extra === alphas.associated || extra === alphas.unassociated) && channels > colours;
  const kept = (colours + (hasAlpha ? 1 : 0)) as RawPicture['channels'];
  if (channels < colours) throw new Error('it has fewer samples than colours');
  const values = keepFirst(samples, channels, kept);
  const picture = { width, height, channels: kept };
  if (values instanceof Uint8Array && photometric === photometrics.yCbCr)
    return { ...picture, data: mapPixels(values, fromYCbCr) };
  if (values instanceof Uint8Array && photometric === photometrics.cieLab)
    return { ...picture, data: mapPixels(values, fromLabBytes) };
  // libvips has already divided these by alpha.
  if (values instanceof Uint16Array || values instanceof Uint8Array) return { ...picture, data: values };
  const isFloat = firstValue(found, tags.sampleFormat, 1) === sampleFormats.float;
  const data = toBytes(values, isFloat, isFloat ? 'floating-point TIFF' : 'TIFF');
  // libvips inverts white-is-zero only for integers of 8 and 16 bits.
  if (photometric === photometrics.whiteIsZero) return { ...picture, data: data.map((value) => 255 - value) };
  return { ...picture, data: extra === alphas.associated && hasAlpha ? unpremultiply(data, kept) : data };
}

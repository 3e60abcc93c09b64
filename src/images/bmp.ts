/**
 * Windows and OS/2 bitmaps. Layout: wingdi.h (BITMAPFILEHEADER, BITMAPCOREHEADER to BITMAPV5HEADER, [MS-WMF] 2.2.2, and
 * 3.1.6.4 for run lengths) and OS/2's BITMAPINFOHEADER2. Where these are ambiguous we do as Pillow does: 16-bit pictures,
 * and 32-bit ones without bit fields, have no alpha.
 */
import { type RawPicture, unsupported } from './raw_picture.ts';

/** Bytes of BITMAPFILEHEADER. All numbers are little-endian. */
const fileHeaderBytes = 14;
/** Offset of the masks: inside a BITMAPV2HEADER, or right after a BITMAPINFOHEADER. */
const masksStart = 54;
/** Bytes of BITMAPV3HEADER, the first with a mask for alpha. */
const alphaHeaderBytes = 56;
const coreHeaderBytes = 12;

const compressions = { none: 0, rle8: 1, rle4: 2, bitFields: 3, jpeg: 4, png: 5, alphaBitFields: 6 };
const depths = [1, 2, 4, 8, 16, 24, 32];

interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** Offset of the colours, bytes per colour, and their number. */
  palette: { start: number; stride: number; colours: number };
  /** Bit masks of red, green, blue and alpha, for 16 bits per pixel and more. */
  masks: number[];
  /** Offset of the pixels. */
  pixels: number;
}

function readMasks(bytes: Buffer, headerBytes: number, bits: number, compression: number): number[] {
  const hasMasks = compression === compressions.bitFields || compression === compressions.alphaBitFields;
  if (!hasMasks) return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const hasAlpha =
    bits === 32 && (headerBytes >= alphaHeaderBytes || compression === compressions.alphaBitFields);
  const count = hasAlpha ? 4 : 3;
  if (bytes.length < masksStart + 4 * count) throw new Error('its header is incomplete');
  const masks = [0, 0, 0, 0];
  for (let index = 0; index < count; index++) masks[index] = bytes.readUInt32LE(masksStart + 4 * index);
  return masks.some((mask) => mask !== 0) ? masks : [0xff0000, 0xff00, 0xff, bits === 32 ? 0xff000000 : 0];
}

/** @throws {Error} where the header is incomplete, claims no pixels, or is of an unsupported variant. */
function readHeader(bytes: Buffer): BmpHeader {
  const headerBytes = bytes.length >= 18 ? bytes.readUInt32LE(fileHeaderBytes) : 0;
  if (headerBytes < coreHeaderBytes || bytes.length < fileHeaderBytes + headerBytes)
    throw new Error('its header is incomplete');
  const isCore = headerBytes === coreHeaderBytes;
  /** Fields that a short header lacks are 0. */
  const field = (at: number) => (at + 4 <= fileHeaderBytes + headerBytes ? bytes.readUInt32LE(at) : 0);
  const width = isCore ? bytes.readUInt16LE(18) : field(18) | 0;
  const signedHeight = isCore ? bytes.readUInt16LE(20) : field(22) | 0;
  const bits = isCore ? bytes.readUInt16LE(24) : field(26) >>> 16;
  const compression = isCore ? compressions.none : field(30);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw new Error('it has no pixels');
  const isIndexed = bits <= 8;
  const isRunLength = compression === compressions.rle8 || compression === compressions.rle4;
  const isBitFields = compression === compressions.bitFields || compression === compressions.alphaBitFields;
  const isPlain = compression === compressions.none;
  if (!depths.includes(bits) || !(isPlain || (isIndexed ? isRunLength : isBitFields)))
    throw unsupported(`BMP picture with compression ${compression} of ${bits} bits`);
  const stride = isCore ? 3 : 4;
  const colours = (isCore ? 0 : field(46)) || 2 ** bits;
  const start = fileHeaderBytes + headerBytes;
  const claimed = bytes.readUInt32LE(10);
  // Some writers give an offset that counts the header and forgets the colours.
  const forgotten = claimed === 0 || claimed === start;
  const masks = isIndexed ? [] : readMasks(bytes, headerBytes, bits, compression);
  const bytesBetween = isIndexed ? stride * colours : isBitFields ? Math.max(0, masksStart + 12 - start) : 0;
  const pixels = claimed === 0 || (forgotten && isIndexed) ? start + bytesBetween : claimed;
  const palette = { start, stride, colours: Math.min(colours, 256) };
  return { width, height, topDown: signedHeight < 0, bits, compression, palette, masks, pixels };
}

/**
 * Width and height from the header, pixels.
 * @throws {Error} where it claims none, or is of an unsupported variant.
 */
export function readBmpSize(bytes: Buffer): { width: number; height: number } {
  return readHeader(bytes);
}

/** The palette, uint8 RGB [256, 3]; black where the file has no colour. */
function readPalette(bytes: Buffer, { start, stride, colours }: BmpHeader['palette']): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let colour = 0; colour < colours; colour++)
    for (let channel = 0; channel < 3; channel++)
      palette[colour * 3 + channel] = bytes[start + colour * stride + 2 - channel] ?? 0;
  return palette;
}

/** Gives the offset of each row of a picture without run lengths. @throws {Error} where the file ends too early. */
function rowStarts(bytes: Buffer, { width, height, topDown, bits, pixels }: BmpHeader) {
  const stride = Math.ceil((width * bits) / 32) * 4;
  // The last row's padding may be missing.
  if (bytes.length < pixels + (height - 1) * stride + Math.ceil((width * bits) / 8))
    throw new Error('the file ends too early');
  return (y: number) => pixels + (topDown ? y : height - 1 - y) * stride;
}

/** Palette indices of a picture without run lengths: uint8 [height, width]. */
function readIndices(bytes: Buffer, header: BmpHeader): Uint8Array {
  const { width, height, bits } = header;
  const startOf = rowStarts(bytes, header);
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let y = 0; y < height; y++) {
    const start = startOf(y);
    for (let x = 0; x < width; x++) {
      const byte = bytes[start + Math.floor(x / perByte)] as number;
      indices[y * width + x] = (byte >> (8 - bits * ((x % perByte) + 1))) & mask;
    }
  }
  return indices;
}

/** Palette indices of a picture with run lengths: uint8 [height, width]. Skipped pixels have index 0. */
function readRunLengths(bytes: Buffer, header: BmpHeader): Uint8Array {
  const { width, height, compression, topDown, pixels } = header;
  const inFileOrder = new Uint8Array(width * height);
  const isNibbles = compression === compressions.rle4;
  /** Index of the next pixel, and how many pixels the file has given for this row, which may be too many. */
  let [to, x] = [0, 0];
  let from = pixels;
  for (let done = false; !done && to < inFileOrder.length; ) {
    if (from + 2 > bytes.length) throw new Error('the file ends too early');
    const count = bytes[from++] as number;
    const value = bytes[from++] as number;
    if (count > 0) {
      const fitting = Math.max(0, Math.min(count, width - x));
      for (let index = 0; index < fitting; index++)
        inFileOrder[to++] = isNibbles ? (index % 2 === 0 ? value >> 4 : value & 15) : value;
      x += fitting;
    } else if (value === 0) {
      // End of the row, or a row without pixels.
      if (to % width !== 0 || x === 0) to += width - (to % width);
      x = 0;
    } else if (value === 1) {
      done = true;
    } else if (value === 2) {
      if (from + 2 > bytes.length) throw new Error('the file ends too early');
      to += (bytes[from++] as number) + (bytes[from++] as number) * width;
      x = to % width;
    } else {
      const fitting = Math.min(value, inFileOrder.length - to);
      const needed = isNibbles ? Math.ceil(fitting / 2) : fitting;
      if (from + needed > bytes.length) throw new Error('the file ends too early');
      for (let index = 0; index < fitting; index++) {
        const byte = bytes[from + (isNibbles ? index >> 1 : index)] as number;
        inFileOrder[to++] = isNibbles ? (index % 2 === 0 ? byte >> 4 : byte & 15) : byte;
      }
      // Padded to 16 bits.
      from += Math.ceil((isNibbles ? Math.ceil(value / 2) : value) / 2) * 2;
      x += value;
    }
  }
  return topDown ? inFileOrder : flipped(inFileOrder, width, height);
}

function flipped(indices: Uint8Array, width: number, height: number): Uint8Array {
  const result = new Uint8Array(indices.length);
  for (let y = 0; y < height; y++)
    result.set(indices.subarray(y * width, (y + 1) * width), (height - 1 - y) * width);
  return result;
}

function decodeIndexed(bytes: Buffer, header: BmpHeader): RawPicture {
  const { width, height, compression } = header;
  const palette = readPalette(bytes, header.palette);
  const isPlain = compression === compressions.none;
  const indices = isPlain ? readIndices(bytes, header) : readRunLengths(bytes, header);
  const data = new Uint8Array(indices.length * 3);
  for (let pixel = 0, to = 0; pixel < indices.length; pixel++) {
    const colour = (indices[pixel] as number) * 3;
    data[to++] = palette[colour] as number;
    data[to++] = palette[colour + 1] as number;
    data[to++] = palette[colour + 2] as number;
  }
  return { data, width, height, channels: 3 };
}

/** Which byte of a pixel a mask selects; -1 where it is not exactly one. */
const byteOf = (mask: number) => [0xff, 0xff00, 0xff0000, 0xff000000].indexOf(mask);

/** Reads a channel from a pixel and readers it to 0..255. */
function channelReader(mask: number): (pixel: number) => number {
  const shift = 31 - Math.clz32(mask & -mask);
  const max = mask >>> shift;
  if (mask === 0) return () => 0;
  if (max === 255) return (pixel) => (pixel >>> shift) & 255;
  return (pixel) => Math.floor((((pixel & mask) >>> shift) * 255) / max);
}

function decodeDirect(bytes: Buffer, header: BmpHeader): RawPicture {
  const { width, height, bits, masks } = header;
  const startOf = rowStarts(bytes, header);
  const channels = masks[3] === 0 ? 3 : 4;
  const offsets = masks.slice(0, channels).map(byteOf);
  const readers = masks.slice(0, channels).map(channelReader);
  const data = new Uint8Array(width * height * channels);
  const pixelBytes = bits / 8;
  const areBytes = offsets.every((offset) => offset >= 0 && offset < pixelBytes);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = startOf(y);
    for (let x = 0; x < width; x++, from += pixelBytes) {
      if (areBytes) {
        for (let channel = 0; channel < channels; channel++)
          data[to++] = bytes[from + (offsets[channel] as number)] as number;
        continue;
      }
      let pixel = (bytes[from] as number) | ((bytes[from + 1] as number) << 8);
      if (bits > 16) pixel |= (bytes[from + 2] as number) << 16;
      if (bits > 24) pixel |= (bytes[from + 3] as number) << 24;
      for (let channel = 0; channel < channels; channel++)
        data[to++] = (readers[channel] as (pixel: number) => number)(pixel);
    }
  }
  return { data: channels === 4 ? fixUnwrittenAlpha(data) : data, width, height, channels };
}

/** Alpha that is 0 everywhere was never written: nobody keeps an invisible picture. */
function fixUnwrittenAlpha(rgba: Uint8Array): Uint8Array {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 0) return rgba;
  for (let at = 3; at < rgba.length; at += 4) rgba[at] = 255;
  return rgba;
}

/**
 * Decodes a BMP to RGB, or to RGBA where it has a mask for alpha.
 * @throws {Error} where it is damaged, or of an unsupported variant.
 */
export function decodeBmp(bytes: Buffer): RawPicture {
  const header = readHeader(bytes);
  return header.bits <= 8 ? decodeIndexed(bytes, header) : decodeDirect(bytes, header);
}

/**
 * PNGs with a palette (ISO/IEC 15948), which sharp reads and writes as colours alone: as a PNG of grey values, which then
 * are the palette's indices, and the chunks of the palette apart.
 */

import { crc32 } from '../images/mark.ts';

export interface PalettePng {
  /** The same picture as a grey PNG. */
  grey: Buffer;
  /** What a grey value of this PNG, 0..255, is divided by to be the index. */
  scale: number;
  /** The palette's chunks, as they are in the file. */
  palette: Buffer;
}

const signatureBytes = 8;
const headerEnd = 33;
/** Where IHDR has the bits of a sample, and the type of colour. */
const bitsAt = 24;
const typeAt = 25;
const greyType = 0;
const paletteType = 3;

function chunksOf(png: Buffer): { type: string; bytes: Buffer }[] {
  const chunks: { type: string; bytes: Buffer }[] = [];
  for (let at = signatureBytes; at + 12 <= png.length; ) {
    const end = at + 12 + png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), bytes: png.subarray(at, end) });
    at = end;
  }
  return chunks;
}

/** The signature and IHDR with another type of colour. */
function headerWith(png: Buffer, type: number): Buffer {
  const header = Buffer.from(png.subarray(0, headerEnd));
  header[typeAt] = type;
  header.writeUInt32BE(crc32(header.subarray(12, headerEnd - 4)), headerEnd - 4);
  return header;
}

/** The palette taken from a PNG; undefined where it is no such PNG. */
export function withoutPalette(png: Buffer): PalettePng | undefined {
  if (png.length < headerEnd || png.toString('latin1', 1, 4) !== 'PNG') return undefined;
  if (png.toString('latin1', 12, 16) !== 'IHDR' || png[typeAt] !== paletteType) return undefined;
  const chunks = chunksOf(png);
  const only = (...types: string[]) =>
    chunks.filter(({ type }) => types.includes(type)).map(({ bytes }) => bytes);
  return {
    grey: Buffer.concat([headerWith(png, greyType), ...only('eXIf', 'IDAT', 'IEND')]),
    scale: 255 / (2 ** (png[bitsAt] as number) - 1),
    palette: Buffer.concat(only('PLTE', 'tRNS')),
  };
}

/** A grey PNG of 8 bits as one with this palette. */
export function withPalette(grey: Buffer, palette: Buffer): Buffer {
  return Buffer.concat([headerWith(grey, paletteType), palette, grey.subarray(headerEnd)]);
}

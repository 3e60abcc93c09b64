/**
 * PNGs with a palette (ISO/IEC 15948). sharp gives their colours, not their indices; so we split such a file into a grey
 * PNG, whose values are the indices, and the chunks of its palette.
 */

import { crc32 } from '../system/crc32.ts';

export interface PalettePng {
  /** The same picture as a grey PNG. */
  grey: Buffer;
  /** A grey value of this PNG, 0..255, divided by this is the index. */
  scale: number;
  /** The chunks PLTE and tRNS, as they are in the file. */
  palette: Buffer;
}

const signatureBytes = 8;
const headerEnd = 33;
/** Offsets of IHDR's bit depth and colour type. */
const bitDepthAt = 24;
const colourTypeAt = 25;
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

/** The signature and IHDR, with another colour type. */
function headerWith(png: Buffer, type: number): Buffer {
  const header = Buffer.from(png.subarray(0, headerEnd));
  header[colourTypeAt] = type;
  header.writeUInt32BE(crc32(header.subarray(12, headerEnd - 4)), headerEnd - 4);
  return header;
}

/** Splits a PNG with a palette; undefined where it has none. */
export function splitPalette(png: Buffer): PalettePng | undefined {
  if (png.length < headerEnd || png.toString('latin1', 1, 4) !== 'PNG') return undefined;
  if (png.toString('latin1', 12, 16) !== 'IHDR' || png[colourTypeAt] !== paletteType) return undefined;
  const chunks = chunksOf(png);
  const chunksOfType = (...types: string[]) =>
    chunks.filter(({ type }) => types.includes(type)).map(({ bytes }) => bytes);
  return {
    grey: Buffer.concat([headerWith(png, greyType), ...chunksOfType('eXIf', 'IDAT', 'IEND')]),
    scale: 255 / (2 ** (png[bitDepthAt] as number) - 1),
    palette: Buffer.concat(chunksOfType('PLTE', 'tRNS')),
  };
}

/** The inverse of {@link splitPalette}, for a grey PNG of 8 bits. */
export function joinPalette(grey: Buffer, palette: Buffer): Buffer {
  return Buffer.concat([headerWith(grey, paletteType), palette, grey.subarray(headerEnd)]);
}

/** The tags of a TIFF (TIFF 6.0; DNG 1.4). */

export const tags = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  samplesPerPixel: 277,
  subIfds: 330,
  extraSamples: 338,
  sampleFormat: 339,
  subsampling: 530,
  dngVersion: 50706,
};
export const photometrics = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, yCbCr: 6, cieLab: 8 };
export const sampleFormats = { unsigned: 1, float: 3 };
const compressions = { none: 1, oldJpeg: 6, jpeg: 7 };
/** Photometrics that only RAW files have: colour filter array, and linear raw. */
const rawPhotometrics = [32803, 34892];
/** Compressions of Sony, Nikon and Pentax. */
const rawCompressions = [32767, 34713, 65535];
/** Compressions that libvips may be built without. */
const rareCompressions: Record<number, string> = {
  34661: 'JBIG',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy JPEG',
  34925: 'LZMA',
  34933: 'PNG',
  34934: 'JPEG XR',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
};
export const alphas = { associated: 1, unassociated: 2 };

export interface TiffField {
  values: number[];
  /** Offset of the first value in the file. */
  at: number;
}

export type TiffTags = Map<number, TiffField>;

/** Bytes of a value by its type (BYTE, SHORT, LONG, IFD, LONG8); other types are skipped. */
const typeBytes: Record<number, number> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8 };
const maxValues = 16;

/** Reads the tags of the first directory, of TIFF or BigTIFF; undefined where there is none. */
export function readTiffTags(bytes: Buffer): TiffTags | undefined {
  const isLittle = bytes[0] === 0x49;
  const isBig = bytes[isLittle ? 2 : 3] === 43;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = (at: number, size: number): number => {
    if (at < 0 || at + size > bytes.length) return 0;
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, isLittle);
    return size === 4 ? view.getUint32(at, isLittle) : Number(view.getBigUint64(at, isLittle));
  };
  const wide = isBig ? 8 : 4;
  const directory = read(isBig ? 8 : 4, wide);
  const count = read(directory, isBig ? 8 : 2);
  const [first, entryBytes] = [directory + (isBig ? 8 : 2), isBig ? 20 : 12];
  if (count === 0 || first + count * entryBytes > bytes.length) return undefined;
  const found: TiffTags = new Map();
  for (let entry = first; entry < first + count * entryBytes; entry += entryBytes) {
    const size = typeBytes[read(entry + 2, 2)];
    if (size === undefined) continue;
    const length = read(entry + 4, wide);
    const inline = entry + 4 + wide;
    const at = length * size <= wide ? inline : read(inline, wide);
    const values = Array.from({ length: Math.min(length, maxValues) }, (_, i) => read(at + i * size, size));
    found.set(read(entry, 2), { values, at });
  }
  return found;
}

/** The first value of a tag. */
export function firstValue(found: TiffTags, tag: number, otherwise: number): number {
  return found.get(tag)?.values[0] ?? otherwise;
}

/** Whether it is a camera's RAW file, of which a TIFF decoder would only show the thumbnail. */
export function isRawPhotograph(bytes: Buffer): boolean {
  const found = readTiffTags(bytes);
  if (!found) return false;
  const isThumbnail = (firstValue(found, tags.subfileType, 0) & 1) === 1;
  return (
    found.has(tags.dngVersion) ||
    rawPhotometrics.includes(firstValue(found, tags.photometric, 0)) ||
    rawCompressions.includes(firstValue(found, tags.compression, 0)) ||
    (isThumbnail && found.has(tags.subIfds))
  );
}

/** Whether to leave it to libvips, which reads it correctly or gives the best error. */
export function isPlainTiff(bytes: Buffer): boolean {
  const found = readTiffTags(bytes);
  if (!found) return true;
  const extras = found.get(tags.extraSamples)?.values ?? [];
  const photometric = firstValue(found, tags.photometric, 1);
  // Undeclared extra samples are not alpha.
  const isDeclared =
    photometric !== photometrics.rgb || firstValue(found, tags.samplesPerPixel, 3) <= 3 + extras.length;
  const isDecodedAsRgb = firstValue(found, tags.compression, 1) === compressions.jpeg;
  return (
    (found.get(tags.sampleFormat)?.values ?? []).every((format) => format === sampleFormats.unsigned) &&
    firstValue(found, tags.bits, 1) <= 16 &&
    isDeclared &&
    extras.length <= 1 &&
    extras.every((extra) => extra === alphas.associated || extra === alphas.unassociated) &&
    (photometric !== photometrics.yCbCr || isDecodedAsRgb) &&
    photometric !== photometrics.cieLab
  );
}

/** Names a TIFF whose compression most decoders do not support; undefined for common ones. */
export function rareTiff(bytes: Buffer): string | undefined {
  const found = readTiffTags(bytes);
  const compression = found && rareCompressions[firstValue(found, tags.compression, 1)];
  return compression && `TIFF with ${compression} compression`;
}

/** Width and height from the tags, pixels. @throws {Error} where they are missing or 0. */
export function readTiffSize(bytes: Buffer): { width: number; height: number } {
  const found = readTiffTags(bytes);
  const [width, height] = [tags.width, tags.height].map((tag) => (found ? firstValue(found, tag, 0) : 0));
  if (!width || !height) throw new Error('it has no pixels');
  return { width, height };
}

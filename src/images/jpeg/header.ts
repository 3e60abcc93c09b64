import { cropMark } from './crop_mark.ts';

/** A component, from the headers of frame and scan. */
export interface JpegComponent {
  /** Sampling factors. */
  horizontal: number;
  vertical: number;
  /** Offset in the file of its quantisation table: 64 bytes. */
  quantisation: number;
  /** Offsets in the file of its Huffman tables: 16 counts, then the symbols. */
  dcCounts: number;
  acCounts: number;
}

/** What is needed to decode a plain JPEG (ITU-T T.81, annex B). */
export interface JpegHeader {
  width: number;
  height: number;
  /** One: grey. Three: Y, Cb and Cr. */
  components: JpegComponent[];
  /** MCUs between restart markers; 0: none. */
  restartInterval: number;
  /** Offset of the entropy-coded data. */
  scanStart: number;
  /** Whether it was cropped as the network's pictures are when it was made; absent: no. */
  isCropped?: boolean;
}

interface FrameComponent {
  id: number;
  horizontal: number;
  vertical: number;
  quantisation: number;
}

interface Headers {
  quantisation: (number | undefined)[];
  /** DC tables 0 to 3, then AC tables. */
  huffman: (number | undefined)[];
  frame?: { width: number; height: number; components: FrameComponent[] };
  restartInterval: number;
  jfif: boolean;
  isCropped?: boolean;
  /** Colour transform of Adobe's APP14 segment: 1 is YCbCr. */
  adobe?: number;
}

/** Reads a segment between two offsets. @returns false where the JPEG is not plain. */
type Reader = (headers: Headers, bytes: Uint8Array, start: number, end: number) => boolean;

const shortAt = (bytes: Uint8Array, at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

function begins(bytes: Uint8Array, start: number, text: string): boolean {
  return String.fromCharCode(...bytes.subarray(start, start + text.length)) === text;
}

const readQuantisation: Reader = (headers, bytes, start, end) => {
  for (let at = start; at < end; at += 65) {
    const precisionAndNumber = bytes[at] as number;
    if (precisionAndNumber > 3 || at + 65 > end) return false;
    headers.quantisation[precisionAndNumber] = at + 1;
  }
  return true;
};

const readHuffman: Reader = (headers, bytes, start, end) => {
  for (let at = start; at < end; ) {
    const classAndNumber = bytes[at] as number;
    if ((classAndNumber & ~0x13) !== 0 || at + 17 > end) return false;
    const symbols = bytes.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0);
    const tableEnd = at + 17 + symbols;
    if (symbols > 256 || tableEnd > end) return false;
    // A DC symbol is a number of bits.
    if (classAndNumber < 16 && bytes.subarray(at + 17, tableEnd).some((bits) => bits > 15)) return false;
    headers.huffman[((classAndNumber >> 4) << 2) | (classAndNumber & 3)] = at + 1;
    at = tableEnd;
  }
  return true;
};

const readFrame: Reader = (headers, bytes, start, end) => {
  if (headers.frame || end - start < 6 || bytes[start] !== 8) return false;
  const count = bytes[start + 5] as number;
  if ((count !== 1 && count !== 3) || end - start !== 6 + 3 * count) return false;
  const components = Array.from({ length: count }, (_, index): FrameComponent => {
    const [id = 0, factors = 0, quantisation = 0] = bytes.subarray(start + 6 + 3 * index);
    // A single component's sampling factors mean nothing.
    const [horizontal, vertical] = count === 1 ? [1, 1] : [factors >> 4, factors & 15];
    return { id, horizontal, vertical, quantisation };
  });
  const blocks = components.reduce((sum, { horizontal, vertical }) => sum + horizontal * vertical, 0);
  const allowed = components.every((one) =>
    [one.horizontal, one.vertical].every((n) => [1, 2, 4].includes(n)),
  );
  const height = shortAt(bytes, start + 1);
  const width = shortAt(bytes, start + 3);
  headers.frame = { width, height, components };
  return allowed && blocks <= 10 && width > 0 && height > 0;
};

/** Rotated pictures are left to sharp. */
const readExif: Reader = (_, bytes, start, end) =>
  !begins(bytes, start, 'Exif') || orientationOf(bytes.subarray(start + 6, end)) === 1;

/** Pictures with a colour profile are left to sharp. */
const readIccProfile: Reader = (_, bytes, start) => !begins(bytes, start, 'ICC_PROFILE');

const readJfif: Reader = (headers, bytes, start) => {
  headers.jfif ||= begins(bytes, start, 'JFIF');
  return true;
};

const readAdobe: Reader = (headers, bytes, start, end) => {
  if (end - start >= 12 && begins(bytes, start, 'Adobe')) headers.adobe = bytes[start + 11] as number;
  return true;
};

const readComment: Reader = (headers, bytes, start, end) => {
  if (end - start === cropMark.length && begins(bytes, start, cropMark)) headers.isCropped = true;
  return true;
};

const readRestartInterval: Reader = (headers, bytes, start, end) => {
  if (end - start < 2) return false;
  headers.restartInterval = shortAt(bytes, start);
  return true;
};

const readers: Record<number, Reader> = {
  192: readFrame,
  193: readFrame,
  196: readHuffman,
  219: readQuantisation,
  221: readRestartInterval,
  224: readJfif,
  225: readExif,
  226: readIccProfile,
  238: readAdobe,
  254: readComment,
};

const startOfScan = 218;

/** Whether a segment may be in the header of a baseline JPEG. */
function isPlain(marker: number): boolean {
  const otherFrame = marker >= 194 && marker <= 207 && marker !== 196;
  return (
    marker >= 192 && marker !== 255 && !otherFrame && !(marker >= 208 && marker <= 217) && marker !== 220
  );
}

/** EXIF orientation: tag 0x0112 of the first directory (EXIF 2.32, 4.6.4). 1 where it is missing, 0 where this is not a TIFF. */
function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 8) return 0;
  const little = tiff[0] === 0x49;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const short = (at: number) => view.getUint16(at, little);
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 0;
  const entries = short(directory);
  for (let entry = directory + 2; entry < directory + 2 + 12 * entries; entry += 12) {
    if (entry + 12 > tiff.length) return 0;
    if (short(entry) === 0x0112) return short(entry + 8);
  }
  return 1;
}

function readScan(
  { frame, ...headers }: Headers,
  bytes: Uint8Array,
  start: number,
  end: number,
): JpegHeader | undefined {
  if (!frame || !isYCbCr(frame.components, headers)) return undefined;
  const count = frame.components.length;
  // One scan with all components; sharp decodes JPEGs with several scans.
  if (bytes[start] !== count || end - start !== 4 + 2 * count) return undefined;
  const components = frame.components.map((component, index) => {
    const [id, tables = 0] = bytes.subarray(start + 1 + 2 * index);
    return {
      horizontal: component.horizontal,
      vertical: component.vertical,
      quantisation: headers.quantisation[component.quantisation],
      dcCounts: headers.huffman[tables >> 4],
      acCounts: headers.huffman[4 | (tables & 15)],
      inOrder: id === component.id && (tables & ~0x33) === 0,
    };
  });
  if (!components.every((one) => one.inOrder && one.quantisation && one.dcCounts && one.acCounts))
    return undefined;
  const { width, height } = frame;
  const { restartInterval, isCropped } = headers;
  return {
    width,
    height,
    components: components as JpegComponent[],
    restartInterval,
    scanStart: end,
    ...(isCropped && { isCropped }),
  };
}

function isYCbCr(components: FrameComponent[], { jfif, adobe }: Headers): boolean {
  if (components.length === 1) return true;
  if (adobe !== undefined) return adobe === 1;
  return jfif || components.every(({ id }, index) => id === index + 1);
}

/** Segments that say how the samples are to be displayed: EXIF and ICC profile. */
const displaySegments = [225, 226];

/**
 * Reads the header of a plain JPEG: baseline, 8 bits, grey or YCbCr in one scan, upright, without a colour profile.
 * @param mustBeUpright false: orientation and profile do not matter, for a caller that only checks whether it is intact.
 * @returns undefined for any other file, which is left to sharp.
 */
export function readJpegHeader(bytes: Uint8Array, mustBeUpright = true): JpegHeader | undefined {
  const headers: Headers = { quantisation: [], huffman: [], restartInterval: 0, jfif: false };
  if (bytes.length < 4 || shortAt(bytes, 0) !== 0xffd8) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1] as number;
    const end = at + 2 + shortAt(bytes, at + 2);
    if (bytes[at] !== 0xff || !isPlain(marker) || end < at + 4 || end > bytes.length) return undefined;
    if (marker === startOfScan) return readScan(headers, bytes, at + 4, end);
    const isRead = mustBeUpright || !displaySegments.includes(marker);
    if (isRead && readers[marker]?.(headers, bytes, at + 4, end) === false) return undefined;
    at = end;
  }
  return undefined;
}

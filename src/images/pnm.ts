/**
 * Netpbm's formats: PBM, PGM, PPM (text and binary), PAM and PFM (netpbm.sourceforge.net/doc/pbm.html, ppm.html,
 * pam.html; pauldebevec.com/Research/HDR/PFM).
 */
import { type RawPicture, unsupported } from './raw_picture.ts';
import { toBytes } from './samples.ts';

interface PnmHeader {
  /** 'P1' to 'P7', 'Pf' or 'PF'. */
  magic: string;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
  /** The value of white; for a PFM its scale, which is negative for little-endian. */
  maxval: number;
  /** Offset of the samples. */
  start: number;
}

const isSpace = (byte: number | undefined) => byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);

/** Reads words from an offset on, skipping spaces and comments. */
function makeWordReader(bytes: Buffer, start: number) {
  let at = start;
  const skip = () => {
    for (; at < bytes.length; at++) {
      if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 10) at++;
      else if (!isSpace(bytes[at])) return;
    }
  };
  return {
    /** Offset of the end of the last word. */
    end: () => at,
    next(): string {
      skip();
      const first = at;
      while (at < bytes.length && !isSpace(bytes[at]) && bytes[at] !== 0x23) at++;
      return bytes.toString('latin1', first, at);
    },
    /** Reads one digit: a bit of a PBM, with or without a space after it. */
    bit(): string {
      skip();
      return String.fromCharCode(bytes[at++] ?? 0);
    },
  };
}

/** @throws {Error} for anything but a whole number of at least 1. */
function parseCount(word: string | undefined): number {
  if (word === undefined || !/^[1-9]\d{0,9}$/.test(word)) throw new Error('its header is incomplete');
  return Number(word);
}

function readPamHeader(bytes: Buffer): PnmHeader {
  const end = bytes.indexOf('ENDHDR\n');
  if (end === -1 || end > 1 << 16) throw new Error('its header is incomplete');
  const lines = bytes.toString('latin1', 0, end).split('\n').slice(1);
  const fields = new Map(lines.map((line) => line.trim().split(/\s+/, 2) as [string, string]));
  const depth = parseCount(fields.get('DEPTH'));
  const type = fields.get('TUPLTYPE') ?? '';
  if (depth > 4 || !/^((BLACKANDWHITE|GRAYSCALE|RGB)(_ALPHA)?)?$/.test(type))
    throw unsupported(`PAM picture of ${depth} channels (${type || 'no TUPLTYPE'})`);
  const [width, height] = [parseCount(fields.get('WIDTH')), parseCount(fields.get('HEIGHT'))];
  const maxval = parseCount(fields.get('MAXVAL'));
  return { magic: 'P7', width, height, channels: depth as 1, maxval, start: end + 'ENDHDR\n'.length };
}

function readHeader(bytes: Buffer): PnmHeader {
  const magic = bytes.toString('latin1', 0, 2);
  if (magic === 'P7') return readPamHeader(bytes);
  const words = makeWordReader(bytes, 2);
  const [width, height] = [parseCount(words.next()), parseCount(words.next())];
  const channels = magic === 'P3' || magic === 'P6' || magic === 'PF' ? 3 : 1;
  const isFloat = magic === 'Pf' || magic === 'PF';
  let maxval = 1;
  if (isFloat) maxval = Number(words.next());
  else if (magic !== 'P1' && magic !== 'P4') maxval = parseCount(words.next());
  if (!isFloat && maxval > 65535) throw new Error('its maxval is above 65535');
  // A single space ends the header.
  return { magic, width, height, channels, maxval, start: words.end() + 1 };
}

/** Width and height from the header, pixels. @throws {Error} for an incomplete header. */
export function readPnmSize(bytes: Buffer): { width: number; height: number } {
  return readHeader(bytes);
}

function checkLength(bytes: Buffer, start: number, needed: number): void {
  if (bytes.length < start + needed) throw new Error('the file ends too early');
}

/** Reads samples written as words, or those of a PBM, as digits. */
function readText(bytes: Buffer, { magic, start, maxval }: PnmHeader, length: number): Uint16Array {
  const isBits = magic === 'P1';
  // At least a digit for each, and a space between words.
  checkLength(bytes, start, isBits ? length : 2 * length - 1);
  const words = makeWordReader(bytes, start);
  const samples = new Uint16Array(length);
  for (let index = 0; index < length; index++) {
    const word = isBits ? words.bit() : words.next();
    if (!/^\d{1,5}$/.test(word) || Number(word) > maxval) throw new Error('the file ends too early');
    samples[index] = isBits ? 1 - Number(word) : Number(word);
  }
  return samples;
}

function readBits(bytes: Buffer, { width, height, start }: PnmHeader): Uint16Array {
  const stride = Math.ceil(width / 8);
  checkLength(bytes, start, stride * height);
  const samples = new Uint16Array(width * height);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = bytes[start + y * stride + (x >> 3)] as number;
      samples[to++] = 1 - ((byte >> (7 - (x & 7))) & 1);
    }
  return samples;
}

function readBinary(bytes: Buffer, { start, maxval }: PnmHeader, length: number): Uint8Array | Uint16Array {
  if (maxval < 256) {
    checkLength(bytes, start, length);
    return bytes.subarray(start, start + length);
  }
  checkLength(bytes, start, 2 * length);
  const samples = new Uint16Array(length);
  for (let index = 0; index < length; index++) samples[index] = bytes.readUInt16BE(start + 2 * index);
  return samples;
}

/** Decodes a PFM, whose rows go from the bottom up. */
function decodeFloats(bytes: Buffer, header: PnmHeader): RawPicture {
  const { width, height, channels, maxval, start } = header;
  const rowLength = width * channels;
  checkLength(bytes, start, 4 * rowLength * height);
  const samples = new Float32Array(rowLength * height);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < rowLength; x++) {
      const from = start + 4 * ((height - 1 - y) * rowLength + x);
      samples[to++] = maxval < 0 ? bytes.readFloatLE(from) : bytes.readFloatBE(from);
    }
  return { data: toBytes(samples, true, 'PFM picture'), width, height, channels };
}

/** Scales samples to 8 bits where white is at most 255, else to 16. */
function scale(samples: Uint8Array | Uint16Array, maxval: number): Uint8Array | Uint16Array {
  const white = maxval < 256 ? 255 : 65535;
  const scaled = white === 255 ? new Uint8Array(samples.length) : new Uint16Array(samples.length);
  for (let index = 0; index < samples.length; index++)
    scaled[index] = Math.min(white, Math.round(((samples[index] as number) * white) / maxval));
  return scaled;
}

/** Decodes any of the formats. @throws {Error} where it is damaged, or of an unsupported variant. */
export function decodePnm(bytes: Buffer): RawPicture {
  const header = readHeader(bytes);
  const { magic, width, height, channels, maxval } = header;
  if (magic === 'Pf' || magic === 'PF') return decodeFloats(bytes, header);
  const length = width * height * channels;
  let samples: Uint8Array | Uint16Array;
  if (magic === 'P4') samples = readBits(bytes, header);
  else if (['P1', 'P2', 'P3'].includes(magic)) samples = readText(bytes, header, length);
  else samples = readBinary(bytes, header, length);
  return { data: scale(samples, maxval), width, height, channels };
}

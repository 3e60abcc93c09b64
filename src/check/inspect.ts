import { createHash } from 'node:crypto';
import { lstat, readFile, stat } from 'node:fs/promises';
import { reason } from '../errors.ts';
import { openPicture, readably, standardise } from '../images/decode.ts';
import { fingerprint } from '../images/fingerprint.ts';
import { sniff } from '../images/sniff.ts';

/** Bytes of a file's SHA-256 that are kept: two files that agree in 128 bits are taken for the same. */
export const digestBytes = 16;

/** Pixels of a side that pictures are looked at in. */
const side = 64;
/** Values of 255 within which the pixels of an empty picture lie. */
const emptyRange = 4;

export interface Inspection {
  /** What its first bytes say it is; '' for what only sharp knows. */
  kind: string;
  /** Pixels, as it is shown: turned as its EXIF orientation says. */
  width: number;
  height: number;
  /** One colour and nothing else. */
  uniform: boolean;
  digest: Uint8Array;
  fingerprint: Uint8Array;
}

/** Size in bytes and time of change of a file, which tell whether it changed. */
export interface Stamp {
  size: number;
  modified: number;
}

const linkReasons: Record<string, string> = {
  ELOOP: 'a link that leads to itself',
  ENOENT: 'a link to nothing',
};

/** @throws {Error} in a few words for what is no file. */
export async function stampOf(file: string): Promise<Stamp> {
  const found = await stat(file).catch(async (error) => {
    const isLink = (await lstat(file).catch(() => undefined))?.isSymbolicLink();
    throw new Error((isLink && linkReasons[error.code]) || reason(error));
  });
  if (found.isDirectory()) throw new Error('a link to a folder; links to folders are not followed');
  // Reading a pipe would wait for ever.
  if (!found.isFile()) throw new Error('not a file but a device, a pipe or a socket');
  return { size: found.size, modified: found.mtimeMs };
}

/**
 * Reads a picture once, whole.
 * @throws {Error} in a few words where it cannot be read.
 */
export async function inspect(file: string): Promise<Inspection> {
  const bytes = await readFile(file);
  return readably(bytes, async () => {
    const { autoOrient } = await (await openPicture(bytes)).metadata();
    const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
    const pixels = await (await standardise(bytes, size)).raw().toBuffer();
    return {
      kind: sniff(bytes) ?? '',
      width: autoOrient.width,
      height: autoOrient.height,
      uniform: isUniform(pixels),
      digest: createHash('sha256').update(bytes).digest().subarray(0, digestBytes),
      fingerprint: fingerprint(pixels, { width: side, height: side, channels: 3 }),
    };
  });
}

function isUniform(pixels: Uint8Array): boolean {
  for (let channel = 0; channel < 3; channel++) {
    let [least, most] = [255, 0];
    for (let at = channel; at < pixels.length; at += 3) {
      const value = pixels[at] as number;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (most - least > emptyRange) return false;
  }
  return true;
}

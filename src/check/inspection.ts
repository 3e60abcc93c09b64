import { createHash } from 'node:crypto';
import { fingerprint, type Raster } from '../images/fingerprint.ts';

/** Bytes of a file's SHA-256 that are kept: two files that agree in 128 bits are taken for the same. */
export const digestBytes = 16;

/** Pixels of a side that pictures are looked at in. */
export const side = 64;
/** Values of 255 within which the pixels of an empty picture lie. */
const emptyRange = 4;

export interface Inspection {
  /** What its first bytes say it is; '' for what only sharp knows. */
  kind: string;
  /** Pixels, as it is shown: turned as its EXIF orientation says. */
  width: number;
  height: number;
  /** A JPEG whose data are bad from somewhere on, which libjpeg decodes all the same. */
  damaged: boolean;
  /** One colour and nothing else. */
  uniform: boolean;
  digest: Uint8Array;
  fingerprint: Uint8Array;
}

/**
 * @param bytes of the file.
 * @param pixels RGB of the whole picture, uint8 [height, width, 3], at most `side` a side.
 */
export function inspectPixels(
  bytes: Uint8Array,
  { kind, width, height, damaged }: Pick<Inspection, 'kind' | 'width' | 'height' | 'damaged'>,
  pixels: Uint8Array,
  raster: Raster,
): Inspection {
  return {
    kind,
    width,
    height,
    damaged,
    uniform: isUniform(pixels),
    // A copy: sent to another thread, a part of a buffer takes all of it along.
    digest: new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, digestBytes)),
    fingerprint: fingerprint(pixels, raster),
  };
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

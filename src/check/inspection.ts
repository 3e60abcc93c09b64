import { createHash } from 'node:crypto';
import { fingerprint, type Raster } from '../images/fingerprint.ts';

/** Bytes of SHA-256 that are stored: two files that agree in 128 bits count as the same. */
export const digestBytes = 16;

/** Pictures are inspected at this many pixels a side. */
export const side = 64;
/** In an empty picture the values of a channel, 0..255, differ by this much at most. */
const emptyRange = 4;

/** What is known about a readable picture. */
export interface Inspection {
  /** Format by its first bytes; '' where only sharp recognises it. */
  kind: string;
  /** Pixels after applying the EXIF orientation. */
  width: number;
  height: number;
  /** A JPEG with bad data that libjpeg decodes nevertheless. */
  damaged: boolean;
  /** A single colour. */
  uniform: boolean;
  /** The first bytes of its SHA-256. */
  digest: Uint8Array;
  /** Perceptual hash, for finding pictures that look the same. */
  fingerprint: Uint8Array;
}

/**
 * Completes an inspection.
 * @param bytes of the file.
 * @param pixels the whole picture, RGB, uint8 [height, width, 3], at most `side` pixels a side.
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
    // A copy, because sending a view to another thread sends its whole buffer.
    digest: new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, digestBytes)),
    fingerprint: fingerprint(pixels, raster),
  };
}

function isUniform(pixels: Uint8Array): boolean {
  for (let channel = 0; channel < 3; channel++) {
    let [min, max] = [255, 0];
    for (let at = channel; at < pixels.length; at += 3) {
      const value = pixels[at] as number;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (max - min > emptyRange) return false;
  }
  return true;
}

/** Decoders for what sharp cannot read, or gets wrong. They run in threads, so that they do not block other work. */

import type { Piscina } from 'piscina';
import { usableCores } from '../system/cores.ts';
import { threadModule } from '../system/thread_module.ts';
import { readBmpSize } from './bmp.ts';
import { readHeicSize } from './heic.ts';
import { readPnmSize } from './pnm.ts';
import type { RawPicture } from './raw_picture.ts';
import { readTiffSize } from './tiff_tags.ts';

export type OwnKind = 'BMP' | 'PNM' | 'HEIC' | 'TIFF';

export interface DecodeJob {
  kind: OwnKind;
  bytes: Uint8Array;
}

const sizes: Record<OwnKind, (bytes: Buffer) => { width: number; height: number }> = {
  BMP: readBmpSize,
  PNM: readPnmSize,
  HEIC: readHeicSize,
  TIFF: readTiffSize,
};

let pool: Promise<Piscina<DecodeJob, RawPicture>> | undefined;

async function startThreads(): Promise<Piscina<DecodeJob, RawPicture>> {
  const { Piscina } = await import('piscina');
  return new Piscina({
    filename: threadModule('./decoder_thread', import.meta.url),
    minThreads: 1,
    maxThreads: usableCores(),
    // So that an occasional picture does not wait for a new thread each time.
    idleTimeout: 10_000,
  });
}

/**
 * Width and height from the header, pixels.
 * @throws {Error} for a damaged header, or an unsupported variant.
 */
export function ownSize(kind: OwnKind, bytes: Buffer): { width: number; height: number } {
  const { width, height } = sizes[kind](bytes);
  return { width, height };
}

/**
 * Decodes a picture in a thread.
 * @param maxPixels larger pictures are refused before anything is decoded.
 * @throws {Error} with the reason in a few words.
 */
export async function decodeOurselves(kind: OwnKind, bytes: Buffer, maxPixels: number): Promise<RawPicture> {
  const { width, height } = ownSize(kind, bytes);
  if (width * height > maxPixels) throw new Error(`it has more than ${maxPixels / 1e6} million pixels`);
  pool ??= startThreads();
  // The bytes may be a view of a larger buffer, all of which would be cloned.
  const copy = Uint8Array.from(bytes);
  return (await pool).run({ kind, bytes: copy }, { transferList: [copy.buffer] });
}

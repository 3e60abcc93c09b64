/** Decoders for what sharp does not read, or not right. They work in threads: none of them may keep others waiting. */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
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
    maxThreads: availableParallelism(),
    // So that a picture now and then does not wait for a thread each time.
    idleTimeout: 10_000,
  });
}

/**
 * Width and height that a header claims, pixels.
 * @throws {Error} for a damaged header, or a variant that is not read.
 */
export function ownSize(kind: OwnKind, bytes: Buffer): { width: number; height: number } {
  const { width, height } = sizes[kind](bytes);
  return { width, height };
}

/**
 * Decodes what sharp does not read, in a thread.
 * @param mostPixels more are refused before anything is decoded.
 * @throws {Error} with the reason in a few words.
 */
export async function decodeOurselves(kind: OwnKind, bytes: Buffer, mostPixels: number): Promise<RawPicture> {
  const { width, height } = ownSize(kind, bytes);
  if (width * height > mostPixels) throw new Error(`it has more than ${mostPixels / 1e6} million pixels`);
  pool ??= startThreads();
  // Bytes may be a part of a whole request, all of which would be cloned.
  const own = Uint8Array.from(bytes);
  return (await pool).run({ kind, bytes: own }, { transferList: [own.buffer] });
}

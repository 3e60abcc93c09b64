/** Decoders for what sharp does not read, or not right. They work in threads: none of them may keep others waiting. */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
import { threadModule } from '../thread_module.ts';
import { readBmpSize } from './bmp.ts';
import { readHeicSize } from './heic.ts';
import { readPnmSize } from './pnm.ts';
import type { RawPicture } from './raw_picture.ts';
import { isPlainTiff, readTiffSize } from './tiff.ts';

export type OwnKind = 'BMP' | 'PNM' | 'HEIC' | 'TIFF';

export interface DecodeJob {
  kind: OwnKind;
  bytes: Uint8Array;
}

/** Width and height that a header claims, pixels. @throws {Error} */
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

/** The kind of a file that is decoded here; undefined for one that is left to sharp. */
function ownKind(kind: string | undefined, bytes: Buffer): OwnKind | undefined {
  if (kind === undefined || !Object.hasOwn(sizes, kind)) return undefined;
  return kind === 'TIFF' && isPlainTiff(bytes) ? undefined : (kind as OwnKind);
}

/**
 * Width and height that a header claims, pixels, where the picture is decoded here; undefined otherwise.
 * @throws {Error} for a damaged header, or a variant that is not read.
 */
export function ownSize(
  kind: string | undefined,
  bytes: Buffer,
): { width: number; height: number } | undefined {
  const own = ownKind(kind, bytes);
  return own && sizes[own](bytes);
}

/**
 * Decodes what sharp does not read, in a thread; undefined for what is left to sharp.
 * @param mostPixels more are refused before anything is decoded.
 * @throws {Error} with the reason in a few words.
 */
export async function decodeOurselves(
  kind: string | undefined,
  bytes: Buffer,
  mostPixels: number,
): Promise<RawPicture | undefined> {
  const own = ownKind(kind, bytes);
  if (!own) return undefined;
  const { width, height } = sizes[own](bytes);
  if (width * height > mostPixels) throw new Error(`it has more than ${mostPixels / 1e6} million pixels`);
  pool ??= startThreads();
  return (await pool).run({ kind: own, bytes });
}

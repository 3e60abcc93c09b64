/** Runs in each thread of own_decoders.ts. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { decodeBmp } from './bmp.ts';
import { decodeHeic } from './heic.ts';
import type { DecodeJob, OwnKind } from './own_decoders.ts';
import { decodePnm } from './pnm.ts';
import type { RawPicture } from './raw_picture.ts';
import { decodeTiff } from './tiff.ts';

const decoders: Record<OwnKind, (bytes: Buffer) => RawPicture | Promise<RawPicture>> = {
  BMP: decodeBmp,
  PNM: decodePnm,
  HEIC: decodeHeic,
  TIFF: decodeTiff,
};

/** Decodes a picture. The memory of its pixels is moved, not copied. */
export default async function work({ kind, bytes }: DecodeJob): Promise<unknown> {
  const picture = await decoders[kind](Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return move({ [valueSymbol]: picture, [transferableSymbol]: [picture.data.buffer] } as never);
}

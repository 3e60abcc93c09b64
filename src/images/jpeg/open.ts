import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type JpegHeader, readJpegHeader } from './header.ts';

// Larger ones are no work for memory of 32 bits.
const mostBytes = 1 << 26;
const mostPixels = 100_000_000;

export interface Jpeg {
  /** Good until the next file is opened. */
  bytes: Buffer;
  header: JpegHeader;
}

/** Files are read into this one after the other: fresh memory takes longer than the reading. */
const room = Buffer.allocUnsafeSlow(1 << 20);

/** A file's bytes, until the next is read; undefined for what is no file or too large for one of ours. */
function readBytes(file: string): Buffer | undefined {
  // A named pipe that nobody writes to must not be waited for.
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile() || stats.size > mostBytes) return undefined;
    const bytes = stats.size <= room.length ? room.subarray(0, stats.size) : Buffer.allocUnsafe(stats.size);
    for (let read = 0; read < bytes.length; ) {
      const more = readSync(handle, bytes, read, bytes.length - read, null);
      if (more === 0) return undefined;
      read += more;
    }
    return bytes;
  } finally {
    closeSync(handle);
  }
}

/**
 * @param input a path, or a JPEG's bytes.
 * @param isToBeShown as readJpegHeader takes it.
 * @returns undefined for what is no plain JPEG, or too large a one.
 * @throws {Error} where it cannot be read.
 */
export function openJpeg(input: string | Uint8Array, isToBeShown = true): Jpeg | undefined {
  const bytes =
    typeof input === 'string' ? readBytes(input) : Buffer.from(input.buffer, input.byteOffset, input.length);
  const header = bytes && readJpegHeader(bytes, isToBeShown);
  return header && header.width * header.height <= mostPixels ? { bytes, header } : undefined;
}

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type JpegHeader, readJpegHeader } from './header.ts';

// Larger files might not fit into the module's memory of 32 bits.
const maxBytes = 1 << 26;
const maxPixels = 100_000_000;

export interface Jpeg {
  /** Valid until the next file is opened. */
  bytes: Buffer;
  header: JpegHeader;
}

/** Files are read into one buffer: allocating memory takes longer than reading. */
const buffer = Buffer.allocUnsafeSlow(1 << 20);

/** Of every JPEG. */
const firstBytes = Buffer.from([0xff, 0xd8]);

/**
 * Reads a file; undefined where it is not a regular file, does not begin as a JPEG, or is too large. The bytes are valid until
 * the next call.
 */
function readBytes(file: string): Buffer | undefined {
  // Do not wait for a named pipe that nobody writes to.
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile() || stats.size > maxBytes) return undefined;
    readSync(handle, buffer, 0, firstBytes.length, 0);
    if (!buffer.subarray(0, firstBytes.length).equals(firstBytes)) return undefined;
    const bytes =
      stats.size <= buffer.length ? buffer.subarray(0, stats.size) : Buffer.allocUnsafe(stats.size);
    for (let read = 0; read < bytes.length; ) {
      const more = readSync(handle, bytes, read, bytes.length - read, read);
      if (more === 0) return undefined;
      read += more;
    }
    return bytes;
  } finally {
    closeSync(handle);
  }
}

/**
 * Opens a plain JPEG.
 * @param input a path, or the bytes of a file.
 * @param mustBeUpright as for {@link readJpegHeader}.
 * @returns undefined where it is not a plain JPEG, or is too large.
 * @throws {Error} where it cannot be read.
 */
export function openJpeg(input: string | Uint8Array, mustBeUpright = true): Jpeg | undefined {
  const bytes =
    typeof input === 'string' ? readBytes(input) : Buffer.from(input.buffer, input.byteOffset, input.length);
  const header = bytes && readJpegHeader(bytes, mustBeUpright);
  return header && header.width * header.height <= maxPixels ? { bytes, header } : undefined;
}

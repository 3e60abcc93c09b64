import { open } from 'node:fs/promises';
import { readBounded } from './tensorflow/read_file.ts';

/** A file's first bytes and its length; nothing of a folder. */
export async function beginningOf(
  file: string,
  length: number,
): Promise<{ bytes: Uint8Array; size: number }> {
  const handle = await open(file);
  try {
    const status = await handle.stat();
    if (!status.isFile()) return { bytes: new Uint8Array(), size: 0 };
    const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, 0);
    return { bytes: buffer.subarray(0, bytesRead), size: status.size };
  } finally {
    await handle.close();
  }
}

/** No classifier of pictures comes near. */
const mostBytes = 2 ** 31;

/** A model file whole. @throws {UserError} where it is none, larger than can be, or cannot be read. */
export const readModelFile = (file: string): Promise<Buffer> => readBounded(file, mostBytes);

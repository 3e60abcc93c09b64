import { open, readFile, stat } from 'node:fs/promises';
import { UserError } from '../errors.ts';

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

/** Node's Buffers end here, and no classifier of pictures comes near. */
const mostBytes = 2 ** 31;

/** A model file whole. @throws {UserError} where it is none or larger than can be. */
export async function readModelFile(file: string): Promise<Uint8Array> {
  const status = await stat(file).catch(() => undefined);
  if (!status?.isFile()) throw new UserError(`${file} is no file.`);
  if (status.size > mostBytes)
    throw new UserError(`${file} has more than 2 GiB, which bat-sup does not import.`);
  return readFile(file);
}

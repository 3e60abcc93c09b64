import { type FileHandle, open } from 'node:fs/promises';
import { reason, UserError } from '../errors.ts';
import { readExactly } from '../files.ts';

/** @throws {UserError} naming the file and what is wrong with it. */
export function damaged(file: string, why: string): never {
  throw new UserError(`${file} is damaged (${why}); copy it anew, or import another.`);
}

/** A name that a foreign file tells, for a message: it may be of any length. */
export function quoted(name: string): string {
  return `"${name.length > 100 ? `${name.slice(0, 100)}…` : name}"`;
}

/**
 * A file's bytes, of which there may be so many.
 * @throws {UserError} where it is larger or cannot be read.
 */
export async function readBounded(file: string, most: number): Promise<Buffer> {
  return withFile(file, async (handle, size) => {
    if (size > most) damaged(file, `it has ${size} bytes, more than ${most}`);
    return readExactly(handle, { offset: 0, size });
  });
}

/**
 * A part of a file.
 * @throws {UserError} where it lies outside, or cannot be read.
 */
export async function readPart(file: string, part: { offset: number; size: number }): Promise<Buffer> {
  return withFile(file, async (handle, size) => {
    if (part.offset < 0 || part.size < 0 || part.offset + part.size > size)
      damaged(file, `it has ${size} bytes; ${part.size} are to be read from ${part.offset}`);
    return readExactly(handle, part);
  });
}

async function withFile<T>(file: string, read: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const status = await handle.stat();
    if (!status.isFile()) throw new UserError(`${file} is no file.`);
    return await read(handle, status.size);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file} cannot be read: ${reason(error)}`);
  } finally {
    await handle?.close();
  }
}

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

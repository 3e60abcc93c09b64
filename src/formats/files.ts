import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { reason, UserError } from '../errors.ts';
import { readExactly } from '../system/files.ts';

/** @throws {UserError} naming the file and what is wrong with it. */
export function damaged(file: string, why: string): never {
  throw new UserError(`${file} is damaged (${why}); copy it anew, or import another.`);
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
    handle = await openRegular(file);
    return await read(handle, (await handle.stat()).size);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file} cannot be read: ${reason(error)}`);
  } finally {
    await handle?.close();
  }
}

/**
 * Opens a file to read. A pipe is never opened, which would wait for somebody to write to it, nor a device.
 * @throws {UserError} where it is anything but a regular file.
 */
export async function openRegular(file: string): Promise<FileHandle> {
  const found = await stat(file);
  if (!found.isFile())
    throw new UserError(`${file} is ${kindOf(found)}, not a regular file; import one that is saved on disk.`);
  return open(file);
}

export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** A file's first bytes and its length in bytes; nothing where it is not a regular file. */
export async function beginningOf(
  file: string,
  length: number,
): Promise<{ bytes: Uint8Array; size: number }> {
  if (!(await stat(file)).isFile()) return { bytes: new Uint8Array(), size: 0 };
  const handle = await openRegular(file);
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, 0);
    return { bytes: buffer.subarray(0, bytesRead), size: (await handle.stat()).size };
  } finally {
    await handle.close();
  }
}

/** Bytes `from` to `to` of a file. */
export interface Region {
  from: number;
  to: number;
}

/** Two regions that share bytes, if any do: a small file could name the same bytes as thousands of large tensors. */
export function overlapping<R extends Region>(regions: R[]): [R, R] | undefined {
  const filled = regions.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
  for (const [index, region] of filled.entries()) {
    const before = filled[index - 1];
    if (before && region.from < before.to) return [before, region];
  }
  return undefined;
}

/** No classifier of pictures comes near. */
export const maxModelBytes = 2 ** 31;

/** A model file whole. @throws {UserError} where it is none, larger than can be, or cannot be read. */
export const readModelFile = (file: string): Promise<Buffer> => readBounded(file, maxModelBytes);

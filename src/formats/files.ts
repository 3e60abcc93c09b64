import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { reason, UserError } from '../errors.ts';
import { readExactly } from '../system/files.ts';

/** @throws {UserError} naming the file and what is wrong with it. */
export function damaged(file: string, why: string): never {
  throw new UserError(`${file} is damaged (${why}); copy it again, or import another file.`);
}

/**
 * Reads a whole file of at most `maxBytes`.
 * @throws {UserError} where it is larger or cannot be read.
 */
export async function readBounded(file: string, maxBytes: number): Promise<Buffer> {
  return withFile(file, async (handle, size) => {
    if (size > maxBytes) damaged(file, `it has ${size} bytes, more than ${maxBytes}`);
    return readExactly(handle, { offset: 0, size });
  });
}

/**
 * Reads a part of a file.
 * @throws {UserError} where the part reaches beyond the file, or cannot be read.
 */
export async function readPart(file: string, part: { offset: number; size: number }): Promise<Buffer> {
  return withFile(file, async (handle, size) => {
    if (part.offset < 0 || part.size < 0 || part.offset + part.size > size)
      damaged(file, `it has ${size} bytes, but ${part.size} bytes from ${part.offset} on are needed`);
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
 * Opens a file for reading. Pipes and devices are never opened: a pipe would block until another process writes to it.
 * @throws {UserError} where it is anything but a regular file.
 */
export async function openRegular(file: string): Promise<FileHandle> {
  const found = await stat(file);
  if (!found.isFile())
    throw new UserError(`${file} is ${kindOf(found)}, not a regular file; import one that is saved on disk.`);
  return open(file);
}

/** What a path is that is not a regular file, for messages. */
export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** A file's first bytes and its size in bytes; empty where it is not a regular file. */
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

/** Two regions that share bytes, if any do. Without this check a small file could claim thousands of large tensors. */
export function overlapping<R extends Region>(regions: R[]): [R, R] | undefined {
  const filled = regions.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
  for (const [index, region] of filled.entries()) {
    const before = filled[index - 1];
    if (before && region.from < before.to) return [before, region];
  }
  return undefined;
}

/** Far more than any picture classifier has. */
export const maxModelBytes = 2 ** 31;

/** Reads a whole model file. @throws {UserError} where it is not a regular file, is too large, or cannot be read. */
export const readModelFile = (file: string): Promise<Buffer> => readBounded(file, maxModelBytes);

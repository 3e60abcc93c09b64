import { open } from 'node:fs/promises';
import { reason, UserError } from '../../errors.ts';

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

type Handle = Awaited<ReturnType<typeof open>>;

async function withFile<T>(file: string, read: (handle: Handle, size: number) => Promise<T>): Promise<T> {
  let handle: Handle | undefined;
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

async function readExactly(
  handle: Handle,
  { offset, size }: { offset: number; size: number },
): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const { bytesRead } = await handle.read(bytes, done, size - done, offset + done);
    if (bytesRead === 0) throw new Error('it ends early');
    done += bytesRead;
  }
  return bytes;
}

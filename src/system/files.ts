import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from './processes.ts';

/** Chunk size of {@link sha256OfFile}, in bytes. */
const hashChunk = 2 ** 16;

/** Reads a part of an open file into a buffer of its own. @throws {Error} where the file ends before. */
export async function readExactly(
  handle: FileHandle,
  { offset, size }: { offset: number; size: number },
): Promise<Buffer> {
  const data = Buffer.from(new ArrayBuffer(size));
  for (let done = 0; done < size; ) {
    const { bytesRead } = await handle.read(data, done, size - done, offset + done);
    if (bytesRead === 0) throw new Error('it ends early');
    done += bytesRead;
  }
  return data;
}

/**
 * Reads a whole file after checking its size, so that a wrong file cannot fill the memory.
 * @param allowed the largest size in bytes, or the exact one.
 * @throws {Error} where the file is missing, not a regular file, or of another size.
 */
export async function readWithin(
  file: string,
  allowed: { maxBytes: number } | { exactly: number },
): Promise<Buffer> {
  // Opening a pipe would wait for a writer.
  if (!(await stat(file)).isFile()) throw new Error('it is not a file');
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if ('exactly' in allowed && size !== allowed.exactly)
      throw new Error(`${size} bytes instead of ${allowed.exactly}`);
    if ('maxBytes' in allowed && size > allowed.maxBytes)
      throw new Error(`${size} bytes are more than the ${allowed.maxBytes} that it may have`);
    return await readExactly(handle, { offset: 0, size });
  } finally {
    await handle.close();
  }
}

/** SHA-256 of a file of any size, 32 bytes. */
export async function sha256OfFile(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(hashChunk);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, hashChunk);
      if (bytesRead === 0) return hash.digest();
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Whether a path is a folder, or a link to one. */
export function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Creates a folder and its parents. Node's own `recursive` never ends below /proc, and reports ENOENT for a read-only
 * disk.
 * @returns whether the folder did not exist before.
 */
export async function makeFolder(folder: string): Promise<boolean> {
  if (await isFolder(folder)) return false;
  const parent = dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (await isFolder(folder)) return false; // another process created it meanwhile
    throw error;
  }
}

/** Writes a file and syncs it to disk, so that a rename after it never leaves an empty file after a power cut. */
export async function writeDurably(file: string, data: string | Uint8Array | Uint8Array[]): Promise<void> {
  const handle = await open(file, 'w');
  try {
    if (Array.isArray(data)) for (const part of data) await writeWhole(handle, part);
    else await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Appends to a file and syncs it to disk. */
export async function appendDurably(file: string, data: string): Promise<void> {
  const handle = await open(file, 'a');
  try {
    await handle.appendFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeWhole(handle: FileHandle, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await handle.write(data, written, data.length - written);
    written += bytesWritten;
  }
}

/** Makes a rename in this folder durable; folders cannot be synced on Windows. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Most file systems allow 255 bytes; this leaves room for what {@link temporaryName} adds. */
const maxNameBytes = 230;

/** A name next to the file, to rename from; hidden, so that a leftover is not mistaken for a picture. */
export function temporaryName(file: string): string {
  const name = basename(file);
  const isLong = Buffer.byteLength(name) > maxNameBytes;
  const short = isLong ? createHash('sha256').update(name).digest('hex') : name;
  return join(dirname(file), `.${short}.tmp-${process.pid}`);
}

/**
 * Removes the temporary files that killed runs left in a folder, if it exists.
 * @param options.recursive remove temporary folders, too.
 */
export async function removeLeftovers(
  folder: string,
  { recursive = false }: { recursive?: boolean } = {},
): Promise<void> {
  for await (const { name } of await opendir(folder, { bufferSize: 1000 }).catch(() => [])) {
    const owner = /^\..+\.tmp-(\d+)$/.exec(name)?.[1];
    if (owner === undefined) continue;
    // In a container the killed run often had our own process id.
    const isInUse = Number(owner) !== process.pid && exists(Number(owner));
    if (!isInUse) await rm(join(folder, name), { force: true, recursive });
  }
}

/** Writes a file so that it is either complete or unchanged, whatever happens. */
export async function writeFileAtomically(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await writeDurably(temporary, data);
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Size of all files in a folder, at any depth, in bytes; 0 where the folder does not exist. */
export async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath ?? entry.path, entry.name)).then(
        ({ size }) => size,
        () => 0, // removed meanwhile, by a training for example
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Splits a text that arrives in parts into the pieces that end with `end`; the last one may lack it. */
export async function* piecesOf(texts: AsyncIterable<string>, end: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of texts) {
    const pieces = (rest + text).split(end);
    rest = pieces.pop() as string;
    yield* pieces;
  }
  if (rest !== '') yield rest;
}

/** Reads a text file line by line; node:readline would also break lines at a U+2028 in a file name. */
export function linesOf(file: string): AsyncGenerator<string> {
  return piecesOf(createReadStream(file, 'utf8'), '\n');
}

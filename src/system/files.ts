import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from './processes.ts';

/** Bytes that are read at once for {@link sha256OfFile}. */
const hashedAtOnce = 2 ** 16;

/** A part of an open file, in memory of its own. @throws {Error} where the file ends before. */
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
 * All of a file of which something is known before memory is asked for.
 * @param allowed bytes that it may have: at most so many, or exactly.
 * @throws {Error} where it is missing, no plain file, or of another size.
 */
export async function readWithin(
  file: string,
  allowed: { most: number } | { exactly: number },
): Promise<Buffer> {
  // Opening a pipe would wait for somebody to write to it.
  if (!(await stat(file)).isFile()) throw new Error('it is not a file');
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if ('exactly' in allowed && size !== allowed.exactly)
      throw new Error(`${size} bytes instead of ${allowed.exactly}`);
    if ('most' in allowed && size > allowed.most)
      throw new Error(`${size} bytes are more than the ${allowed.most} that it may have`);
    return await readExactly(handle, { offset: 0, size });
  } finally {
    await handle.close();
  }
}

/** The SHA-256 of a file of any size: 32 bytes. */
export async function sha256OfFile(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(hashedAtOnce);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, hashedAtOnce);
      if (bytesRead === 0) return hash.digest();
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Whether there is a folder, or a link to one. */
export function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Makes a folder and those that it is to lie in. Node's own `recursive` never ends below /proc, and says ENOENT of a
 * disk that is read-only.
 * @returns whether it was not there.
 */
export async function makeFolder(folder: string): Promise<boolean> {
  if (await isFolder(folder)) return false;
  const parent = dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (await isFolder(folder)) return false; // another has made it meanwhile
    throw error;
  }
}

/** Writes through to the disk, so that a later rename never shows an empty file after a power cut. */
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

/** Adds to the end of a file, through to the disk. */
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

/** Names can have 255 bytes on most disks; room for what a temporary one adds. */
const longestName = 230;

/** A name beside the file, to rename from; hidden, so that a rest of it is never taken for a picture. */
export function temporaryName(file: string): string {
  const name = basename(file);
  const isLong = Buffer.byteLength(name) > longestName;
  const short = isLong ? createHash('sha256').update(name).digest('hex') : name;
  return join(dirname(file), `.${short}.tmp-${process.pid}`);
}

/** Removes the temporary files that killed runs left in a folder, if it is there. */
export async function removeRests(folder: string): Promise<void> {
  for await (const { name } of await opendir(folder, { bufferSize: 1000 }).catch(() => [])) {
    const owner = /^\..+\.tmp-(\d+)$/.exec(name)?.[1];
    if (owner === undefined) continue;
    // In a container the killed run had often our own number.
    const isAnothers = Number(owner) !== process.pid && exists(Number(owner));
    if (!isAnothers) await rm(join(folder, name), { force: true });
  }
}

/** The file is there whole, or as it was. */
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

/** Bytes of all files in a folder and the folders in it; 0 where it is not there. */
export async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath ?? entry.path, entry.name)).then(
        ({ size }) => size,
        () => 0, // removed meanwhile: it may be in training
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The pieces of a text that comes in parts; each ends with `end`, the last one may lack it. */
export async function* piecesOf(texts: AsyncIterable<string>, end: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of texts) {
    const pieces = (rest + text).split(end);
    rest = pieces.pop() as string;
    yield* pieces;
  }
  if (rest !== '') yield rest;
}

/** A text file line by line; node:readline would also end lines where a file's name has U+2028. */
export function linesOf(file: string): AsyncGenerator<string> {
  return piecesOf(createReadStream(file, 'utf8'), '\n');
}

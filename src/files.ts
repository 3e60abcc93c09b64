import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, opendir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

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

async function writeWhole(handle: Awaited<ReturnType<typeof open>>, data: Uint8Array): Promise<void> {
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

/** Whether another process has this number; in a container the killed run had often our own. */
function isAnotherProcess(id: number): boolean {
  if (id === process.pid) return false;
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the temporary files that killed runs left in a folder, if it is there. */
export async function removeRests(folder: string): Promise<void> {
  for await (const { name } of await opendir(folder, { bufferSize: 1000 }).catch(() => [])) {
    const owner = /^\..+\.tmp-(\d+)$/.exec(name)?.[1];
    if (owner !== undefined && !isAnotherProcess(Number(owner)))
      await rm(join(folder, name), { force: true });
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

/** A text file line by line; node:readline would also end lines where a file's name has U+2028. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of createReadStream(file, 'utf8')) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

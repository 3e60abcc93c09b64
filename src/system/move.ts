import { constants } from 'node:fs';
import {
  copyFile,
  link,
  lstat,
  open,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { makeFolder, syncFolder, temporaryName } from './files.ts';

/** Error codes where a hard link is not possible. */
const cannotLinkCodes = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'];

/** Whether a path exists; a broken link does. */
export async function pathExists(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}

/** Whether two paths have the same content, as after a move that was interrupted before its last step. */
export async function areSame(one: string, other: string): Promise<boolean> {
  const [a, b] = [await lstat(one), await lstat(other)];
  if (a.isSymbolicLink() || b.isSymbolicLink())
    return a.isSymbolicLink() && b.isSymbolicLink() && (await readlink(one)) === (await readlink(other));
  if (a.dev === b.dev && a.ino === b.ino) return true;
  return a.size === b.size && (await readFile(one)).equals(await readFile(other));
}

/**
 * Makes a hard link, or a copy where that is not possible.
 * @throws {Error} where the new path exists.
 */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  if ((await lstat(from)).isSymbolicLink()) return symlink(await readlink(from), to);
  try {
    await link(from, to);
  } catch (error) {
    if (!cannotLink(error)) throw error;
    await copyDurably(from, to);
  }
}

function cannotLink(error: unknown): boolean {
  return cannotLinkCodes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Copies a file with its times, following links, and syncs the copy to disk.
 * @throws {Error} where the new path exists.
 */
export async function copyDurably(from: string, to: string): Promise<void> {
  const temporary = temporaryName(to);
  try {
    const { atime, mtime } = await stat(from);
    await copyFile(from, temporary, constants.COPYFILE_FICLONE);
    await utimes(temporary, atime, mtime);
    const handle = await open(temporary);
    await handle.sync().finally(() => handle.close());
    await takeName(temporary, to);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Renames a file without overwriting: unlike rename, link fails if the name is taken. */
async function takeName(temporary: string, to: string): Promise<void> {
  try {
    await link(temporary, to);
  } catch (error) {
    if (!cannotLink(error)) throw error;
    if (await pathExists(to)) throw new Error(`${to} already exists`);
    await rename(temporary, to);
  }
}

/** The name itself for 1, otherwise with the number before its extension: 'name (2).png', 'name (3).png' ... */
export function numberedName(name: string, count: number): string {
  if (count === 1) return name;
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)} (${count})${extension}`;
}

/**
 * Moves a file, to another file system as well. At any moment the whole file exists at one of the paths; after an
 * interruption a second call completes the move.
 * @throws {Error} where another file exists at the new path.
 */
export async function moveSafely(from: string, to: string): Promise<void> {
  if (await pathExists(to)) {
    if (!(await areSame(from, to))) throw new Error(`${to} already exists`);
  } else {
    await makeFolder(dirname(to));
    await linkOrCopy(from, to);
  }
  await syncFolder(dirname(to));
  await unlink(from);
}

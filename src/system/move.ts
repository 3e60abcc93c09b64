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

/** Errors that say that a hard link cannot be made, here or at all. */
const withoutLinks = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'];

/** What is there by that name, a link itself rather than where it leads. */
export async function isThere(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}

/** Whether two names stand for the same bytes: a move was interrupted before its last step. */
export async function areSame(one: string, other: string): Promise<boolean> {
  const [a, b] = [await lstat(one), await lstat(other)];
  if (a.isSymbolicLink() || b.isSymbolicLink())
    return a.isSymbolicLink() && b.isSymbolicLink() && (await readlink(one)) === (await readlink(other));
  if (a.dev === b.dev && a.ino === b.ino) return true;
  return a.size === b.size && (await readFile(one)).equals(await readFile(other));
}

/**
 * Makes a second name, or a copy where that cannot be.
 * @throws {Error} where something is there by the new name.
 */
export async function double(from: string, to: string): Promise<void> {
  if ((await lstat(from)).isSymbolicLink()) return symlink(await readlink(from), to);
  try {
    await link(from, to);
  } catch (error) {
    if (!cannotLink(error)) throw error;
    await copyDurably(from, to);
  }
}

function cannotLink(error: unknown): boolean {
  return withoutLinks.includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * A copy that is on the disk. Of a link, what it leads to.
 * @throws {Error} where something is there by the new name.
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

/** Gives a file another name; a link fails where the name is taken, which a renaming would not. */
async function takeName(temporary: string, to: string): Promise<void> {
  try {
    await link(temporary, to);
  } catch (error) {
    if (!cannotLink(error)) throw error;
    if (await isThere(to)) throw new Error(`${to} is there already`);
    await rename(temporary, to);
  }
}

/** The name itself for 1, then 'name (2)', 'name (3)' and so on before its extension. */
export function numberedName(name: string, count: number): string {
  if (count === 1) return name;
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)} (${count})${extension}`;
}

/**
 * Moves a file, also to another file system. At any moment the whole file is there by one of the names; cut off and
 * called again, it does the rest.
 * @throws {Error} where something else is there by the new name.
 */
export async function moveSafely(from: string, to: string): Promise<void> {
  if (await isThere(to)) {
    if (!(await areSame(from, to))) throw new Error(`${to} is there already`);
  } else {
    await makeFolder(dirname(to));
    await double(from, to);
  }
  await syncFolder(dirname(to));
  await unlink(from);
}

import { lstat, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder, syncFolder } from '../system/files.ts';
import { areSame, copyDurably, linkOrCopy, numberedName, pathExists } from '../system/move.ts';

/** A picture and its class, which is the name of the folder that it goes to. */
export interface Sorting {
  file: string;
  class: string;
}

/** Where a picture is now, or why it was not moved or copied. */
export type Sorted = { to: string } | { error: string };

/** @throws {UserError} where a class is not a possible name of a folder. */
export function checkFolderNames(classes: string[]): void {
  const odd = classes.find((name) => /^\.{0,2}$|[/\\\0]/.test(name));
  if (odd === undefined) return;
  throw new UserError(
    `No folder can be named after the class "${odd}"; leave out --move-to and --copy-to, or train with another name.`,
  );
}

/** Whether two paths are the same file: a file moved onto itself must not be removed. */
async function isSamePath(one: string, other: string): Promise<boolean> {
  const real = async (file: string) => join(await realpath(dirname(file)), basename(file));
  return (await real(one)) === (await real(other));
}

/** Links or copies a picture into a folder. @returns its path there; the present one if an earlier run put it there. */
async function putInto(file: string, folder: string, how: 'move' | 'copy'): Promise<string> {
  const status = await lstat(file).catch(() => undefined);
  if (how === 'move' && status?.isSymbolicLink())
    throw new Error('it is a link, which is not moved; --copy-to copies its target');
  if (!status?.isFile() && !status?.isSymbolicLink()) throw new Error('it is not a file that can be sorted');
  // Copies are made of a link's target, and recognised by it.
  const source = how === 'copy' ? await realpath(file) : file;
  await makeFolder(folder);
  for (let count = 1; ; count++) {
    const to = join(folder, numberedName(basename(file), count));
    if (!(await pathExists(to))) {
      await (how === 'move' ? linkOrCopy : copyDurably)(source, to);
      return to;
    }
    if (await areSame(source, to)) return to;
  }
}

/**
 * Sorts pictures into <folder>/<class>/. Nothing is overwritten: a name that is taken by a different file gets a number,
 * and a file with the same bytes is not duplicated. A moved picture has its new name, flushed to the disk, before it loses
 * the old one; an interrupted call can be repeated.
 * @param sortings classes must have passed `checkFolderNames`.
 * @returns where each picture is now, in the same order.
 */
export async function sortInto(folder: string, how: 'move' | 'copy', sortings: Sorting[]): Promise<Sorted[]> {
  const sorted: Sorted[] = [];
  for (const one of sortings) {
    const placing = putInto(one.file, join(folder, one.class), how);
    sorted.push(
      await placing.then(
        (to) => ({ to }),
        (error) => ({ error: reason(error) }),
      ),
    );
  }
  const folders = new Set(sorted.flatMap((one) => ('to' in one ? [dirname(one.to)] : [])));
  for (const one of [...folders, ...(folders.size > 0 ? [folder] : [])]) await syncFolder(one);
  return how === 'copy'
    ? sorted
    : Promise.all(sorted.map((one, index) => removeOldName(one, sortings[index] as Sorting)));
}

/** Removes a picture's old name. */
async function removeOldName(sorted: Sorted, { file }: Sorting): Promise<Sorted> {
  if ('error' in sorted) return sorted;
  try {
    if (!(await isSamePath(file, sorted.to))) await rm(file, { force: true });
    return sorted;
  } catch (error) {
    return { error: `it was copied to ${sorted.to} but could not be removed here: ${reason(error)}` };
  }
}

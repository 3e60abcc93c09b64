import { lstat, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder, syncFolder } from '../system/files.ts';
import { areSame, copyDurably, double, isThere, numberedName } from '../system/move.ts';

/** A picture and its class, which names the folder that it goes to. */
export interface Sorting {
  file: string;
  class: string;
}

/** Where a picture is now, or why it stayed. */
export type Sorted = { to: string } | { error: string };

/** @throws {UserError} for a class that no folder can be named after. */
export function checkFolderNames(classes: string[]): void {
  const odd = classes.find((name) => /^\.{0,2}$|[/\\\0]/.test(name));
  if (odd === undefined) return;
  throw new UserError(
    `No folder can be named after the class "${odd}"; leave out --move-to and --copy-to, or train with another name.`,
  );
}

/** Whether two names lead to one place: what is moved onto itself must not be removed. */
async function isOnePlace(one: string, other: string): Promise<boolean> {
  const place = async (file: string) => join(await realpath(dirname(file)), basename(file));
  return (await place(one)) === (await place(other));
}

/** @returns the picture's name in the folder, where it is now, or was since an earlier run. */
async function place(file: string, folder: string, how: 'move' | 'copy'): Promise<string> {
  const status = await lstat(file).catch(() => undefined);
  if (how === 'move' && status?.isSymbolicLink())
    throw new Error('it is a link, which is not moved; --copy-to copies what it leads to');
  if (!status?.isFile() && !status?.isSymbolicLink()) throw new Error('it is no file that could be sorted');
  // A copy is of what a link leads to, and is known again so.
  const source = how === 'copy' ? await realpath(file) : file;
  await makeFolder(folder);
  for (let count = 1; ; count++) {
    const to = join(folder, numberedName(basename(file), count));
    if (!(await isThere(to))) {
      await (how === 'move' ? double : copyDurably)(source, to);
      return to;
    }
    if (await areSame(source, to)) return to;
  }
}

/**
 * Sorts pictures into <folder>/<class>/. Nothing is overwritten: a name that is taken by something else is numbered, and
 * what is there already, with the same bytes, is not doubled. A picture that is moved has its new name, through to the
 * disk, before it loses the old one; cut off and called again, it does the rest.
 * @param sortings their classes have been through checkFolderNames.
 * @returns where each picture is now, in their order.
 */
export async function sortInto(folder: string, how: 'move' | 'copy', sortings: Sorting[]): Promise<Sorted[]> {
  const sorted: Sorted[] = [];
  for (const one of sortings) {
    const placing = place(one.file, join(folder, one.class), how);
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
    : Promise.all(sorted.map((one, index) => leave(one, sortings[index] as Sorting)));
}

/** Takes away a picture's old name. */
async function leave(sorted: Sorted, { file }: Sorting): Promise<Sorted> {
  if ('error' in sorted) return sorted;
  try {
    if (!(await isOnePlace(file, sorted.to))) await rm(file, { force: true });
    return sorted;
  } catch (error) {
    return { error: `${sorted.to} is made, but the picture is left where it was: ${reason(error)}` };
  }
}

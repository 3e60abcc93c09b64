import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isFolder } from '../system/files.ts';
import { counted } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { pictureExtension } from './extensions.ts';

/** Largest number of names to show. */
const maxNames = 5;

interface Entries {
  folders: string[];
  files: string[];
}

/** Visible folders and files, sorted. Links count as what they lead to. @throws {Error} where the folder cannot be read. */
async function entriesOf(folder: string): Promise<Entries> {
  const entries: Entries = { folders: [], files: [] };
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const isLinked = entry.isSymbolicLink() && (await isFolder(join(folder, entry.name)));
    entries[entry.isDirectory() || isLinked ? 'folders' : 'files'].push(entry.name);
  }
  return { folders: entries.folders.sort(), files: entries.files.sort() };
}

function shortList(names: string[]): string {
  const shown = names.slice(0, maxNames).map(printable).join(', ');
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}

/** What is in the nearest existing folder above `path`. */
async function describeAbove(path: string): Promise<string> {
  const parent = dirname(path);
  const entries = await entriesOf(parent).catch(() => undefined);
  if (!entries && parent !== path) return describeAbove(parent);
  const folders = entries?.folders ?? [];
  return `${printable(parent)} holds ${folders.length > 0 ? shortList(folders) : 'no folders'}`;
}

const holdsPictures = ({ files }: Entries) => files.some((name) => pictureExtension(name) !== undefined);

/** Whether another folder beside this one holds pictures too: then both are probably classes. */
async function hasSiblingClass(root: string): Promise<boolean> {
  const path = resolve(root);
  const parent = dirname(path);
  const { folders } = await entriesOf(parent).catch((): Entries => ({ folders: [], files: [] }));
  for (const name of folders.filter((name) => name !== basename(path))) {
    const sibling = await entriesOf(join(parent, name)).catch(() => undefined);
    if (sibling && holdsPictures(sibling)) return true;
  }
  return false;
}

/** The folder above one that holds pictures and no folders, where others beside it hold pictures too. */
export async function parentOfClasses(folder: string): Promise<string | undefined> {
  const entries = await entriesOf(folder).catch((): Entries => ({ folders: [], files: [] }));
  const isOneClass = entries.folders.length === 0 && holdsPictures(entries);
  return isOneClass && (await hasSiblingClass(folder)) ? dirname(resolve(folder)) : undefined;
}

/**
 * The error message for a folder without class folders: where we looked, what is there instead, and what to do.
 */
export async function whyNoClasses(root: string): Promise<string> {
  const shown = printable(root);
  let entries: Entries;
  try {
    entries = await entriesOf(root);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `There is no folder ${shown}; ${await describeAbove(resolve(root))}.`;
    if (code === 'ENOTDIR') return `${shown} is a file; name the folder that holds the class folders.`;
    return `${shown} cannot be read (${code}); change its permissions.`;
  }
  if (holdsPictures(entries)) {
    const what = `${shown} holds ${counted(entries.files.length, 'file')} but no class folders`;
    if (await hasSiblingClass(root))
      return `${what}: these are pictures of one class; did you mean its parent, ${printable(dirname(resolve(root)))}?`;
    return `${what}; put the pictures of each class into a folder of their own there.`;
  }
  const [one, other] = ['bats', 'cats'].map((name) => join(root, name));
  return `${shown} holds no class folders; put the pictures of each class into a folder of their own, such as ${one} and ${other}.`;
}

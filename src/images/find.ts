import { opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { whyNoClasses } from './no_classes.ts';
import { refuseSplitFolders } from './split_folders.ts';

export interface ClassFolder {
  name: string;
  /** Paths below the class folder, with '/', in code-unit order. */
  pictures: string[];
}

/** How many entries of a folder are read at once. */
const entriesAtOnce = 1000;

/** The names of a folder's classes: every folder in it that is not hidden. */
export async function findClasses(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders.map((entry) => entry.name).sort();
}

/**
 * The files below a folder, at any depth, with '/', in code-unit order; none where it is not there. Hidden files and
 * folders are left out. A link counts as a file, wherever it leads: links to folders are not followed, so that no loop
 * of them is.
 */
export async function findFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    await readFolder(root, folder, files, folders);
  return files.sort();
}

/** @param folder '' or a path below the root that ends in '/'. */
async function readFolder(root: string, folder: string, files: string[], folders: string[]): Promise<void> {
  // What may not be read is passed over here; "bat-sup check" names it.
  const entries = await opendir(join(root, folder), { bufferSize: entriesAtOnce }).catch(() => []);
  for await (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) folders.push(`${folder}${entry.name}/`);
    else files.push(folder + entry.name);
  }
}

/**
 * The pictures of <root>/<class>/, at any depth; hidden files are left out.
 * @throws {UserError} where there is no class folder, or these are the parts of a split.
 */
export async function findPictures(root: string): Promise<{ classes: ClassFolder[] }> {
  const names = await findClasses(root);
  if (names.length === 0) throw new UserError(await whyNoClasses(root));
  await refuseSplitFolders(root, names);
  const classes: ClassFolder[] = [];
  for (const name of names) classes.push({ name, pictures: await findFiles(join(root, name)) });
  return { classes };
}

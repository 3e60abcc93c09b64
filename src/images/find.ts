import { lstat, opendir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { isFolder } from '../system/files.ts';
import { isWithin, realPathOf } from '../system/keep_apart.ts';
import { whyNoClasses } from './no_classes.ts';
import { refuseSplitFolders } from './split_folders.ts';

export interface ClassFolder {
  name: string;
  /** Paths below the class folder, with '/', in code-unit order. */
  pictures: string[];
}

/** A folder or file that was left out. */
export interface Skipped {
  /** Path below the folder that is searched. */
  path: string;
  /** In a few words. */
  reason: string;
  /** Set where pictures may be below it: a folder that cannot be read, or a link to a disk that is not mounted. */
  isUnread?: true;
}

export interface Found {
  /** Paths below the folder, with '/', in code-unit order. */
  files: string[];
  skipped: Skipped[];
  /** Real paths of the folders that links lead to. */
  linked: string[];
}

/** Entries of a folder to read at once. */
const entriesAtOnce = 1000;

const notUtf8 = 'its name is not UTF-8; rename it';
const cycle = 'a link to a folder that it lies in';

/** What Node.js puts in place of bytes of a name that are not UTF-8. */
const replacement = '\ufffd';

/**
 * Makes a check of whether a path was misread, since its name is not UTF-8: then there is no such file, or only another one
 * whose name really contains the replacement character.
 */
function makeMisreadCheck(): (path: string) => Promise<boolean> {
  const seen = new Set<string>();
  return async (path) => {
    if (!path.includes(replacement)) return false;
    if (seen.has(path)) return true;
    seen.add(path);
    return lstat(path).then(
      () => false,
      () => true,
    );
  };
}

/** The message of a system error without the path: "EACCES: permission denied". */
function shortReason(error: unknown): string {
  return reason(error).split(',')[0] as string;
}

/** Which of some links lead to folders: paths below the folder that is searched. */
export type AreFolders = (links: string[]) => Promise<boolean[]> | boolean[];

/** A search of one folder: first all real folders, then links in order, so that no folder is read twice. */
class Search {
  readonly #root: string;
  readonly #areFolders: AreFolders;
  readonly #found: Found = { files: [], skipped: [], linked: [] };
  /** Real paths of the folders read so far. */
  readonly #read = new Set<string>();
  /** Links to follow: paths below the root that end in '/'. */
  #links: string[] = [];

  constructor(root: string, areFolders: AreFolders) {
    this.#root = root;
    this.#areFolders = areFolders;
  }

  async run(): Promise<Found> {
    const realRoot = await realPathOf(this.#root);
    await this.#walk('', realRoot);
    while (this.#links.length > 0) {
      const links = this.#links.sort();
      this.#links = [];
      for (const link of links) await this.#follow(link, realRoot);
    }
    this.#found.files.sort();
    return this.#found;
  }

  #skip(folder: string, why: string, more: Pick<Skipped, 'isUnread'> = {}): void {
    this.#found.skipped.push({ path: folder.replace(/\/$/, ''), reason: why, ...more });
  }

  async #follow(link: string, realRoot: string): Promise<void> {
    const target = await realpath(join(this.#root, link)).catch(() => undefined);
    if (target === undefined)
      return this.#skip(link, 'a link to a folder that no longer exists', { isUnread: true });
    if (isWithin(target, realRoot)) return this.#skip(link, cycle);
    if (this.#read.has(target))
      return this.#skip(link, 'a link to a folder whose pictures are already included');
    this.#found.linked.push(target);
    await this.#walk(link, target);
  }

  /** Reads a folder and the real folders in it. @param real the folder's real path. */
  async #walk(folder: string, real: string): Promise<void> {
    const folders: [path: string, real: string][] = [[folder, real]];
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      const [path, realPath] = next;
      // Another link may have led to this folder already.
      if (this.#read.has(realPath)) {
        this.#skip(path, 'its pictures are already included, through a link');
        continue;
      }
      this.#read.add(realPath);
      for (const name of await this.#readFolder(path))
        folders.push([`${path}${name}/`, join(realPath, name)]);
    }
  }

  /** Notes the files and links of a folder. @returns the names of the folders in it. */
  async #readFolder(path: string): Promise<string[]> {
    const folders: string[] = [];
    const links: string[] = [];
    const isMisread = makeMisreadCheck();
    try {
      for await (const entry of await opendir(join(this.#root, path), { bufferSize: entriesAtOnce })) {
        if (entry.name.startsWith('.')) continue;
        const isOdd = entry.name.includes(replacement);
        if (isOdd && (await isMisread(join(this.#root, path, entry.name))))
          this.#skip(path + entry.name, notUtf8);
        else if (entry.isDirectory()) folders.push(entry.name);
        else if (entry.isSymbolicLink()) links.push(path + entry.name);
        else this.#found.files.push(path + entry.name);
      }
    } catch (error) {
      if (path !== '' || (error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#skip(path, shortReason(error), { isUnread: true });
    }
    const isLinkedFolder = await this.#areFolders(links);
    for (const [index, link] of links.entries())
      if (isLinkedFolder[index]) this.#links.push(`${link}/`);
      else this.#found.files.push(link);
    return folders;
  }
}

/**
 * Finds the files below a folder, at any depth; none where the folder does not exist. Hidden files and folders are left out.
 * Links to folders are followed, each folder once, except those that lead to a folder that they lie in. Any other link
 * counts as a file.
 * @param areFolders default: asks for some at once, in other threads.
 */
export function search(
  root: string,
  areFolders: AreFolders = (links) => mapConcurrently(links, 0, (link) => isFolder(join(root, link))),
): Promise<Found> {
  return new Search(root, areFolders).run();
}

/** The files that {@link search} finds. */
export async function findFiles(root: string): Promise<string[]> {
  return (await search(root)).files;
}

interface Classes {
  names: string[];
  skipped: Skipped[];
  linked: string[];
}

/** Finds the folders in a folder, and links to folders, that are not hidden. */
async function searchClasses(root: string): Promise<Classes> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const classes: Classes = { names: [], skipped: [], linked: [] };
  const isMisread = makeMisreadCheck();
  const skip = (path: string, why: string, more: Pick<Skipped, 'isUnread'> = {}) =>
    classes.skipped.push({ path, reason: why, ...more });
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.') || !(entry.isDirectory() || entry.isSymbolicLink())) continue;
    const path = join(root, name);
    if (await isMisread(path)) skip(name, notUtf8);
    else if (entry.isDirectory()) classes.names.push(name);
    else {
      const target = await realpath(path).catch(() => undefined);
      if (target === undefined) skip(name, 'a broken link', { isUnread: true });
      else if (!(await isFolder(path))) continue;
      else if (isWithin(target, await realPathOf(root))) skip(name, cycle);
      else {
        classes.names.push(name);
        classes.linked.push(target);
      }
    }
  }
  classes.names.sort();
  return classes;
}

/** Names of the classes: the folders in `root`, and links to folders, that are not hidden. */
export async function findClasses(root: string): Promise<string[]> {
  return (await searchClasses(root)).names;
}

/** The pictures of each class, and what was left out. */
export interface FoundPictures {
  classes: ClassFolder[];
  skipped: Skipped[];
  /** Real paths of the folders that links lead to. */
  linked: string[];
}

/**
 * Finds the pictures of <root>/<class>/, at any depth; hidden files are left out.
 * @throws {UserError} where there is no class folder, or the folders are the parts of a split, such as train/ and val/.
 */
export async function findPictures(root: string): Promise<FoundPictures> {
  const { names, skipped, linked } = await searchClasses(root);
  if (names.length === 0) throw new UserError(await whyNoClasses(root));
  await refuseSplitFolders(root, names);
  const classes: ClassFolder[] = [];
  for (const name of names) {
    const found = await search(join(root, name));
    classes.push({ name, pictures: found.files });
    for (const { path, ...why } of found.skipped)
      skipped.push({ path: path === '' ? name : `${name}/${path}`, ...why });
    for (const folder of found.linked) linked.push(folder);
  }
  return { classes, skipped, linked };
}

/** What was left out, and the classes without pictures, sorted by path. */
export function skippedOf({ classes, skipped }: FoundPictures): Skipped[] {
  const named = new Set(skipped.map(({ path }) => path));
  const empty = classes.filter(({ name, pictures }) => pictures.length === 0 && !named.has(name));
  const all = [...skipped, ...empty.map(({ name }) => ({ path: name, reason: 'it holds no pictures' }))];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

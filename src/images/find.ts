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

/** What cannot be searched or read. */
export interface Skipped {
  /** Path below the folder that was searched. */
  path: string;
  /** In a few words. */
  reason: string;
  /** Where pictures may still be below it: a folder that cannot be read, or a link to a disk that is not there. */
  isUnread?: true;
}

export interface Found {
  /** Paths below the folder, with '/', in code-unit order. */
  files: string[];
  skipped: Skipped[];
  /** Real paths of the folders that links lead to. */
  linked: string[];
}

/** How many entries of a folder are read at once. */
const entriesAtOnce = 1000;

const notUtf8 = 'its name is not UTF-8; rename it';
const cycle = 'a link to a folder that it lies in';

/** What Node.js puts for the bytes of a name that are not UTF-8. */
const replacement = '\ufffd';

/**
 * Tells of each path whether its name was misread: then there is no such file, or it is another one, of which the name
 * really has the replacement.
 */
function misreading(): (path: string) => Promise<boolean> {
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

/** What a system error says, without the path: "EACCES: permission denied". */
function shortReason(error: unknown): string {
  return reason(error).split(',')[0] as string;
}

/** A search of one folder. Real folders come first, then links in order, so that no folder is read twice. */
class Search {
  readonly #root: string;
  readonly #found: Found = { files: [], skipped: [], linked: [] };
  /** Real paths of the folders read so far. */
  readonly #read = new Set<string>();
  /** Links that have been found, '' or a path below the root that ends in '/'. */
  #links: string[] = [];

  constructor(root: string) {
    this.#root = root;
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
    if (target === undefined) return this.#skip(link, 'a link to a folder that is gone', { isUnread: true });
    if (isWithin(target, realRoot)) return this.#skip(link, cycle);
    if (this.#read.has(target)) return this.#skip(link, 'a link to a folder whose pictures are here already');
    this.#found.linked.push(target);
    await this.#walk(link, target);
  }

  /** Reads a folder and the real folders in it. @param real the folder's real path. */
  async #walk(folder: string, real: string): Promise<void> {
    const folders: [path: string, real: string][] = [[folder, real]];
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      const [path, place] = next;
      // A link may have led to a part of what another one leads to.
      if (this.#read.has(place)) {
        this.#skip(path, 'its pictures are here already, by a link');
        continue;
      }
      this.#read.add(place);
      for (const name of await this.#readFolder(path)) folders.push([`${path}${name}/`, join(place, name)]);
    }
  }

  /** @returns the names of the folders in it. */
  async #readFolder(path: string): Promise<string[]> {
    const folders: string[] = [];
    const links: string[] = [];
    const isMisread = misreading();
    try {
      for await (const entry of await opendir(join(this.#root, path), { bufferSize: entriesAtOnce })) {
        if (entry.name.startsWith('.')) continue;
        const isOdd = entry.name.includes(replacement);
        if (isOdd && (await isMisread(join(this.#root, path, entry.name))))
          this.#skip(path + entry.name, notUtf8);
        else if (entry.isDirectory()) folders.push(entry.name);
        else if (entry.isSymbolicLink()) links.push(entry.name);
        else this.#found.files.push(path + entry.name);
      }
    } catch (error) {
      if (path !== '' || (error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#skip(path, shortReason(error), { isUnread: true });
    }
    await mapConcurrently(links, 0, async (name) => {
      if (await isFolder(join(this.#root, path, name))) this.#links.push(`${path}${name}/`);
      else this.#found.files.push(path + name);
    });
    return folders;
  }
}

/**
 * The files below a folder, at any depth; none where it is not there. Hidden files and folders are left out. Links to
 * folders are followed, each folder once; one that leads to a folder that it lies in is skipped. Any other link counts
 * as a file, wherever it leads.
 */
export function search(root: string): Promise<Found> {
  return new Search(root).run();
}

/** The files that a {@link search} finds. */
export async function findFiles(root: string): Promise<string[]> {
  return (await search(root)).files;
}

interface Classes {
  names: string[];
  skipped: Skipped[];
  linked: string[];
}

/** Every folder in a folder that is not hidden, and every link to one. */
async function searchClasses(root: string): Promise<Classes> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const classes: Classes = { names: [], skipped: [], linked: [] };
  const isMisread = misreading();
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
      if (target === undefined) skip(name, 'a link to nothing', { isUnread: true });
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

/** The names of a folder's classes: every folder in it, or link to one, that is not hidden. */
export async function findClasses(root: string): Promise<string[]> {
  return (await searchClasses(root)).names;
}

/** The folders of the pictures of each class, and what of them cannot be had. */
export interface FoundPictures {
  classes: ClassFolder[];
  skipped: Skipped[];
  /** Real paths of the folders that links lead to. */
  linked: string[];
}

/**
 * The pictures of <root>/<class>/, at any depth; hidden files are left out.
 * @throws {UserError} where there is no class folder, or these are the parts of a split.
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
    for (const place of found.linked) linked.push(place);
  }
  return { classes, skipped, linked };
}

/** What was passed over, and the classes in which nothing is left. */
export function skippedOf({ classes, skipped }: FoundPictures): Skipped[] {
  const named = new Set(skipped.map(({ path }) => path));
  const empty = classes.filter(({ name, pictures }) => pictures.length === 0 && !named.has(name));
  const all = [...skipped, ...empty.map(({ name }) => ({ path: name, reason: 'it holds no pictures' }))];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

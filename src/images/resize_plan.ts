import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { type Splitting, shareOf } from '../cluster/index.ts';
import { UserError } from '../errors.ts';
import { changeTime } from '../system/change_time.ts';
import { keepPathApart, pictureFoldersOf } from '../system/keep_apart.ts';
import {
  type ClassFolder,
  type FoundPictures,
  findClasses,
  findPictures,
  type Skipped,
  search,
  skippedOf,
} from './find.ts';
import { copyNameOf, makeGeneratedList, readGeneratedList } from './generated.ts';
import type { PictureSize } from './picture_size.ts';
import { type Entry, ResizeLedger } from './resize_ledger.ts';

export interface ResizeOptions extends PictureSize, Splitting {
  /** Folder with a folder of pictures for each class. */
  rawData: string;
  /** Folder to write the copies to: `<data>/<class>/<picture>.jpg`. */
  data: string;
  /** Pictures to work on at the same time; 0: eight for each core. */
  workers: number;
  /** Called after each picture. @param total pictures to resize in this run. */
  onProgress?: (done: number, total: number) => void;
  /** Once aborted, the pictures in progress are finished and the others are left for the next run. */
  signal?: AbortSignal;
}

/** A picture of rawdata whose copy is missing or stale. */
export interface Source extends Entry {
  /** Path below rawdata. */
  path: string;
  /** Path of another source whose copy would have the same name. */
  collidesWith?: string;
}

/** What to do to bring data up to date with rawdata. */
export interface ResizePlan {
  ledger: ResizeLedger;
  /** Classes of rawdata that have pictures. */
  classes: ClassFolder[];
  /** Copies to make. */
  stale: Source[];
  /** Whether a source belongs to this shard. */
  isOwn: (path: string) => boolean;
  /** Number of copies that are up to date. */
  current: number;
  /** Paths of sources that are gone, but whose copies are still there. */
  orphans: string[];
  /** Whether there is a source with this path. */
  isSource: (path: string) => boolean;
  skipped: Skipped[];
  /** Paths below data of files that are not copies. */
  strangers: string[];
  /** Empty folders of data to remove, the deepest first. */
  emptyFolders: string[];
  /** The list of generated pictures that data should have. */
  generated: string | undefined;
  /** Whether data has this list. */
  isListed: boolean;
}

/** Paths of the files in each class folder of data, below the folder. */
type FilesOfData = Map<string, Set<string>>;

export const jpegQuality = 95;
/** Bump when the output for the same input changes. */
const outputVersion = 3;

/** What copies depend on besides their sources, as the first line of the ledger has it. */
export function copySettings({
  width,
  height,
  channels,
  fit,
  crop = 1,
  filter = 'lanczos3',
}: PictureSize): string {
  const jpeg = { quality: jpegQuality, chromaSubsampling: '4:4:4' };
  return JSON.stringify({
    width,
    height,
    channels,
    fit,
    // Left out at their defaults, so that copies made before these settings existed stay as they are.
    ...(crop !== 1 && { crop }),
    ...(filter !== 'lanczos3' && { filter }),
    jpeg,
    maker: outputVersion,
  });
}

/**
 * Compares data with rawdata.
 * @throws {UsageError} where one of the two folders lies inside the other.
 * @throws {UserError} where there are no classes, or a copy would overwrite a file that resize did not make.
 */
export async function makePlan(options: ResizeOptions): Promise<ResizePlan> {
  const { rawData, data, shard } = options;
  const found = await findPictures(rawData);
  const classes = found.classes.filter(({ pictures }) => pictures.length > 0);
  const files = await readData(options, found);
  const ledger = await ResizeLedger.read(data, copySettings(options), shard);
  const sources = new Set<string>();
  for (const { name, pictures } of classes) for (const picture of pictures) sources.add(`${name}/${picture}`);
  const own = shard ? new Set(shareOf([...sources], shard)) : sources;
  const { stale, unreadable } = await findStale(options, { classes, files, ledger, own });
  for (const source of stale) {
    const copy = copyNameOf(source.path);
    if (copy !== source.path && sources.has(copy)) source.collidesWith = copy;
  }
  refuseToOverwrite(stale, files, ledger, options);
  const missing = [...ledger.entries()].map(([source]) => source).filter((source) => !sources.has(source));
  const unread = findUnread(rawData, missing, found, sources);
  const changed = new Set(stale.map(({ path }) => path));
  const generated = await makeGeneratedList({ rawData, data }, [...sources], {
    unread,
    // Each shard has a ledger of its own, but only the first one writes the list.
    isUnchanged: (path) => !shard && ledger.fits && sources.has(path) && !changed.has(path),
  });
  return {
    ledger,
    classes,
    stale,
    isOwn: (path) => own.has(path),
    current: own.size - stale.length - unreadable,
    orphans: isFirst(options) ? missing.filter((source) => !unread.has(source)) : [],
    isSource: (path) => sources.has(path),
    skipped: skippedOf(found),
    // In a shard, another one may have made the file and not yet noted it.
    strangers: shard ? [] : strangersIn(files, ledger),
    emptyFolders: await findEmptyFolders(data, files, classes),
    generated,
    isListed: (await readGeneratedList(data)) === generated,
  };
}

/** Whether there is nothing to do. */
export function isUpToDate({ stale, orphans, emptyFolders, isListed }: ResizePlan): boolean {
  return stale.length + orphans.length + emptyFolders.length === 0 && isListed;
}

/** Whether this process does the work that only one may do. */
export function isFirst({ shard }: Splitting): boolean {
  return (shard?.index ?? 0) === 0;
}

/** The folders that a path lies in, the deepest first. */
export function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.push(at);
  return folders;
}

interface Existing {
  classes: ClassFolder[];
  files: FilesOfData;
  ledger: ResizeLedger;
  /** Paths of the sources of this shard. */
  own: ReadonlySet<string>;
}

/** @returns the sources whose copies are missing or stale, and how many are known to be unreadable. */
async function findStale({ rawData, signal }: ResizeOptions, { classes, files, ledger, own }: Existing) {
  const stale: Source[] = [];
  let unreadable = 0;
  for (const { name, pictures } of classes) {
    const copies = files.get(name) ?? new Set();
    const found = await mapConcurrently(pictures, 0, async (picture): Promise<Source | undefined> => {
      const path = `${name}/${picture}`;
      if (signal?.aborted || !own.has(path)) return undefined;
      const stamp = await stampOf(join(rawData, path));
      const entry = ledger.get(path);
      const isCurrent = entry?.size === stamp.size && entry.modified === stamp.modified;
      if (isCurrent && entry.unreadable !== undefined) unreadable++;
      else if (!isCurrent || !copies.has(copyNameOf(picture))) return { path, ...stamp };
      return undefined;
    });
    for (const source of found) if (source) stale.push(source);
  }
  return { stale, unreadable };
}

/** Size and time of a file; zeros, which no file has, for a link that leads nowhere. */
async function stampOf(file: string): Promise<Entry> {
  const found = await stat(file).catch(() => ({ size: 0, ctimeMs: 0, mtimeMs: 0 }));
  return { size: found.size, modified: changeTime(found) };
}

/**
 * Missing sources that may come back, so that their copies should stay: those below a folder that cannot be read, or below
 * a link to a disk that is not mounted.
 */
function findUnread(
  rawData: string,
  missing: string[],
  { skipped }: FoundPictures,
  sources: ReadonlySet<string>,
): Set<string> {
  const unread = new Set(skipped.filter(({ isUnread }) => isUnread).map(({ path }) => path));
  // A broken link counts as a file, even where it led to a folder before.
  for (const folder of new Set(missing.flatMap(foldersOf)))
    if (sources.has(folder) && !existsSync(join(rawData, folder))) unread.add(folder);
  return new Set(missing.filter((source) => foldersOf(source).some((folder) => unread.has(folder))));
}

/** @throws {UsageError} where a folder of data lies in rawdata, or the other way round. */
async function readData({ rawData, data }: ResizeOptions, { linked }: FoundPictures): Promise<FilesOfData> {
  // Once for all: finding these places takes as many steps as there are classes.
  const raw = { rawData, folders: [...(await pictureFoldersOf(rawData)), ...linked] };
  await keepPathApart(raw, { option: '--data', path: data });
  const files: FilesOfData = new Map();
  for (const name of await findClasses(data)) {
    const found = await search(join(data, name));
    for (const path of [join(data, name), ...found.linked])
      await keepPathApart(raw, { option: '--data', path });
    files.set(name, new Set(found.files));
  }
  return files;
}

/** Whether a file of data is the copy of a source that the ledger knows. */
function isCopy(ledger: ResizeLedger, file: string): boolean {
  const isMade = (source: string) => {
    const entry = ledger.get(source);
    return entry !== undefined && entry.unreadable === undefined;
  };
  return file.endsWith('.jpg') && (isMade(file) || isMade(file.slice(0, -'.jpg'.length)));
}

/** @throws {UserError} where a copy would overwrite a file that resize did not make. */
function refuseToOverwrite(
  stale: Source[],
  files: FilesOfData,
  ledger: ResizeLedger,
  { data }: ResizeOptions,
): void {
  for (const { path, collidesWith } of stale) {
    const copy = copyNameOf(path);
    const [name, file] = splitPath(copy);
    if (collidesWith || !files.get(name)?.has(file) || isCopy(ledger, copy)) continue;
    throw new UserError(
      `${join(data, copy)} was not made by bat-sup, and the copy of ${path} would overwrite it; ` +
        'move it away, or name another folder with --data.',
    );
  }
}

/** The class of a path, and the rest. */
function splitPath(path: string): [name: string, file: string] {
  const at = path.indexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

function strangersIn(files: FilesOfData, ledger: ResizeLedger): string[] {
  const strangers: string[] = [];
  for (const [name, ofClass] of files)
    for (const file of ofClass) if (!isCopy(ledger, `${name}/${file}`)) strangers.push(`${name}/${file}`);
  return strangers.sort();
}

/** Folders of data, and below them, that hold no file and belong to no class of rawdata; the deepest first. */
async function findEmptyFolders(data: string, files: FilesOfData, classes: ClassFolder[]): Promise<string[]> {
  const known = new Set(classes.map(({ name }) => name));
  const folders: string[] = [];
  for (const [name, ofClass] of files) {
    if (known.has(name) || ofClass.size > 0) continue;
    const entries = await readdir(join(data, name), { withFileTypes: true, recursive: true }).catch(() => []);
    if (!entries.every((entry) => entry.isDirectory())) continue;
    const below = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    folders.push(...below.sort().reverse(), join(data, name));
  }
  return folders;
}

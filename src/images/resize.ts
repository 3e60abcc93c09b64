import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { checkShared, dealOut, type Splitting, shareOf, type World } from '../cluster/index.ts';
import { reason, UserError } from '../errors.ts';
import { makeFolder, removeRests, temporaryName } from '../system/files.ts';
import { keepFolderApart, keepPathApart, placesOf } from '../system/keep_apart.ts';
import { readably, standardise } from './decode.ts';
import {
  type ClassFolder,
  type FoundPictures,
  findClasses,
  findPictures,
  type Skipped,
  search,
  skippedOf,
} from './find.ts';
import { copyNameOf, readGeneratedList, relistGenerated, writeGeneratedList } from './generated.ts';
import { resizeJpeg } from './jpeg/index.ts';
import type { PictureSize } from './picture_size.ts';
import { type Entry, ResizeLedger } from './resize_ledger.ts';
import { readSoftLabels, writeSoftLabels } from './soft_labels.ts';

export interface ResizeOptions extends PictureSize, Splitting {
  rawData: string;
  data: string;
  /** Pictures in flight; 0: eight for each core. */
  workers: number;
  onProgress?: (done: number, total: number) => void;
  /** Once aborted, the pictures in flight are finished and the rest is left for the next run. */
  signal?: AbortSignal;
}

export interface ResizeReport {
  classes: string[];
  made: number;
  unchanged: number;
  removed: number;
  unreadable: { file: string; reason: string }[];
  /** Folders and names of rawdata that were passed over; classes without a picture are among them. */
  skipped: { file: string; reason: string }[];
  /** Files in data, below it, that are not copies of rawdata's pictures; training takes them as they are. */
  strangers: string[];
  /** There where the signal ended it before all was done. */
  stopped?: true;
}

interface Source extends Entry {
  /** Below rawdata. */
  path: string;
  /** Another source whose copy has the same name. */
  collidesWith?: string;
}

interface Plan {
  ledger: ResizeLedger;
  classes: ClassFolder[];
  stale: Source[];
  /** Whether a source is of this shard. */
  isOwn: (path: string) => boolean;
  /** Pictures whose copy is there and of today. */
  current: number;
  /** Sources that are gone, whose copies are still there. */
  orphans: string[];
  /** Whether there is such a source. */
  isSource: (path: string) => boolean;
  skipped: Skipped[];
  strangers: string[];
  /** Folders of data that hold nothing and that no class of rawdata has, below it. */
  emptyFolders: string[];
  /** Which of the pictures augment made, as data is to have it; `isListed` where it has. */
  generated: string | undefined;
  isListed: boolean;
}

const jpeg = { quality: 95, chromaSubsampling: '4:4:4' };
/** Bump when the output for the same input changes. */
const maker = 3;
/** Failures of the disk that is written to, which no picture is to blame for. */
const diskFailures = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

/** What copies depend on besides their sources, as the ledger has it. */
export function copySettings({ width, height, channels, fit }: PictureSize): string {
  return JSON.stringify({ width, height, channels, fit, jpeg, maker });
}

async function makePlan(options: ResizeOptions): Promise<Plan> {
  const { rawData, data, shard } = options;
  const found = await findPictures(rawData);
  const classes = found.classes.filter(({ pictures }) => pictures.length > 0);
  const there = await readData(options, found);
  const ledger = await ResizeLedger.read(data, copySettings(options), shard);
  const sources = new Set<string>();
  for (const { name, pictures } of classes) for (const picture of pictures) sources.add(`${name}/${picture}`);
  const own = shard ? new Set(shareOf([...sources], shard)) : sources;
  const stale: Source[] = [];
  let unreadable = 0;
  for (const { name, pictures } of classes) {
    const copies = there.get(name)?.files ?? new Set();
    const found = await mapConcurrently(pictures, 0, async (picture): Promise<Source | undefined> => {
      const path = `${name}/${picture}`;
      if (options.signal?.aborted || !own.has(path)) return undefined;
      const stamp = await stampOf(join(rawData, path));
      const entry = ledger.get(path);
      const isCurrent = entry?.size === stamp.size && entry.modified === stamp.modified;
      if (isCurrent && entry.unreadable !== undefined) unreadable++;
      else if (!isCurrent || !copies.has(copyNameOf(picture))) return { path, ...stamp };
      return undefined;
    });
    for (const source of found) if (source) stale.push(source);
  }
  for (const source of stale) {
    const copy = copyNameOf(source.path);
    if (copy !== source.path && sources.has(copy)) source.collidesWith = copy;
  }
  refuseToOverwrite(stale, there, ledger, options);
  const missing = [...ledger.entries()].map(([source]) => source).filter((source) => !sources.has(source));
  const unread = findUnread(rawData, missing, found, sources);
  const changed = new Set(stale.map(({ path }) => path));
  const generated = await relistGenerated({ rawData, data }, [...sources], {
    unread,
    // Shards have each a ledger, and the first one alone keeps the list.
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
    // Another shard may be about to tell of what is there.
    strangers: shard ? [] : strangersIn(there, ledger),
    emptyFolders: await findEmptyFolders(data, there, classes),
    generated,
    isListed: (await readGeneratedList(data)) === generated,
  };
}

/**
 * The missing sources that may be there again, and so keep their copies: those below a folder that cannot be read, or
 * below a link to a disk that is not there.
 */
function findUnread(
  rawData: string,
  missing: string[],
  { skipped }: FoundPictures,
  sources: ReadonlySet<string>,
): Set<string> {
  const unread = new Set(skipped.filter(({ isUnread }) => isUnread).map(({ path }) => path));
  // A link to nothing counts as a file, whatever it led to before.
  for (const folder of new Set(missing.flatMap(foldersOf)))
    if (sources.has(folder) && !existsSync(join(rawData, folder))) unread.add(folder);
  return new Set(missing.filter((source) => foldersOf(source).some((folder) => unread.has(folder))));
}

/** The folders that a path lies in, the deepest first. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.push(at);
  return folders;
}

/** What a class folder of data holds. */
type DataClasses = Map<string, { files: Set<string> }>;

/** @throws {UsageError} where a folder of data is one of rawdata's. */
async function readData({ rawData, data }: ResizeOptions, { linked }: FoundPictures): Promise<DataClasses> {
  // Once: to look for them takes as many steps as there are classes.
  const raw = { rawData, places: [...(await placesOf(rawData)), ...linked] };
  await keepPathApart(raw, { option: '--data', path: data });
  const there: DataClasses = new Map();
  for (const name of await findClasses(data)) {
    const found = await search(join(data, name));
    for (const path of [join(data, name), ...found.linked])
      await keepPathApart(raw, { option: '--data', path });
    there.set(name, { files: new Set(found.files) });
  }
  return there;
}

/** Whether a file of data is the copy of a source that the ledger tells of. */
function isCopy(ledger: ResizeLedger, file: string): boolean {
  const isMade = (source: string) => {
    const entry = ledger.get(source);
    return entry !== undefined && entry.unreadable === undefined;
  };
  return file.endsWith('.jpg') && (isMade(file) || isMade(file.slice(0, -'.jpg'.length)));
}

/** @throws {UserError} where a copy would take the place of a file that resize did not make. */
function refuseToOverwrite(
  stale: Source[],
  there: DataClasses,
  ledger: ResizeLedger,
  { data }: ResizeOptions,
): void {
  for (const { path, collidesWith } of stale) {
    const copy = copyNameOf(path);
    const [name, file] = splitPath(copy);
    if (collidesWith || !there.get(name)?.files.has(file) || isCopy(ledger, copy)) continue;
    throw new UserError(
      `${join(data, copy)} was not made by bat-sup and would be overwritten by the copy of ${path}; ` +
        'move it away, or name another folder with --data.',
    );
  }
}

/** The class and the rest of a path. */
function splitPath(path: string): [name: string, file: string] {
  const at = path.indexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

function strangersIn(there: DataClasses, ledger: ResizeLedger): string[] {
  const strangers: string[] = [];
  for (const [name, { files }] of there)
    for (const file of files) if (!isCopy(ledger, `${name}/${file}`)) strangers.push(`${name}/${file}`);
  return strangers.sort();
}

/** The class folders of data, and the folders in them, in which there is no file; the deepest first. */
async function findEmptyFolders(data: string, there: DataClasses, classes: ClassFolder[]): Promise<string[]> {
  const known = new Set(classes.map(({ name }) => name));
  const folders: string[] = [];
  for (const [name, { files }] of there) {
    if (known.has(name) || files.size > 0) continue;
    const entries = await readdir(join(data, name), { withFileTypes: true, recursive: true }).catch(() => []);
    if (!entries.every((entry) => entry.isDirectory())) continue;
    const below = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    folders.push(...below.sort().reverse(), join(data, name));
  }
  return folders;
}

/** Whether it is this process that does what one alone can do. */
function isFirst({ shard }: Splitting): boolean {
  return (shard?.index ?? 0) === 0;
}

/** Of a link that leads nowhere, what no file has. */
async function stampOf(file: string): Promise<Entry> {
  const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
  return { size, modified: mtimeMs };
}

/** What training is to know of data/ before it begins. */
export interface DataState extends Pick<ResizeReport, 'skipped' | 'strangers'> {
  /** Whether data/ lacks something that resizeAll would make, or has too much. */
  isStale: boolean;
}

/**
 * Compares data/ with rawdata/. Without raw pictures, data/ is taken as it is: it can come from elsewhere.
 * @throws {UsageError} where one of the two lies in the other. @throws {UserError} where a file that resize did not
 * make is in the way.
 */
export async function surveyData(options: ResizeOptions): Promise<DataState> {
  const { rawData, data } = options;
  if ((await findClasses(rawData)).length === 0) {
    await keepFolderApart(rawData, { option: '--data', path: data });
    return { isStale: (await findClasses(data)).length === 0, skipped: [], strangers: [] };
  }
  const plan = await makePlan(options);
  const { skipped, strangers } = summarise(plan, options);
  return { isStale: !isDone(plan), skipped, strangers };
}

/** Whether there is nothing to do. */
function isDone({ stale, orphans, emptyFolders, isListed }: Plan): boolean {
  return stale.length + orphans.length + emptyFolders.length === 0 && isListed;
}

async function makeCopy({ path, collidesWith }: Source, options: ResizeOptions): Promise<void> {
  if (collidesWith) throw new Error(`its copy would have the name of ${collidesWith}; rename one of them`);
  const input = join(options.rawData, path);
  const output = join(options.data, copyNameOf(path));
  const { width, height, channels, fit } = options;
  const target = { width, height, channels, fit, quality: jpeg.quality };
  if (await resizeJpeg({ input, target, output })) return;
  await makeFolder(dirname(output));
  const temporary = temporaryName(output);
  const picture = await readably(input, () => standardise(input, target));
  try {
    await writeFile(temporary, picture);
    await rename(temporary, output);
  } catch (error) {
    const isTooLong = (error as NodeJS.ErrnoException).code === 'ENAMETOOLONG';
    throw isTooLong ? new Error('the name is too long for its copy; rename it') : error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes the copies of sources that are gone, and what folders they leave empty. */
async function removeOrphans(
  { ledger, orphans, isSource, emptyFolders }: Plan,
  { data }: ResizeOptions,
): Promise<void> {
  const folders = new Set<string>(emptyFolders);
  await mapConcurrently(orphans, 0, async (source) => {
    // Of two sources whose copies would share a name, the other may still be there.
    const isMade = ledger.get(source)?.unreadable === undefined;
    if (isMade && !isSource(copyNameOf(source))) await removeCopy(data, source);
    ledger.delete(source);
    for (const folder of foldersOf(source)) folders.add(join(data, folder));
  });
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  // Fails where something else is still in the folder, which is then to stay.
  for (const folder of deepestFirst) await rmdir(folder).catch(() => {});
}

async function removeCopy(data: string, source: string): Promise<void> {
  await rm(join(data, copyNameOf(source)), { force: true }).catch((error) => {
    // Then there is none.
    if (error.code !== 'ENAMETOOLONG') throw error;
  });
}

type Book = (source: Source, entry: Entry) => void;

/**
 * Makes copies, and tells what became of each.
 * @throws {UserError} where the disk does not take them; what was made before is told.
 */
async function copyAll(sources: Source[], options: ResizeOptions, book: Book): Promise<void> {
  const { data, workers, signal } = options;
  let failure: UserError | undefined;
  const inFlight = workers || 8 * availableParallelism();
  await mapConcurrently(sources, inFlight, async (source) => {
    if (signal?.aborted || failure) return;
    const { path, size, modified, collidesWith } = source;
    try {
      await makeCopy(source, options);
      book(source, { size, modified });
    } catch (error) {
      if (diskFailures.has((error as NodeJS.ErrnoException).code ?? '')) {
        failure ??= new UserError(`${join(data, copyNameOf(path))} cannot be written: ${reason(error)}`);
        return;
      }
      if (!collidesWith) await removeCopy(data, path);
      book(source, { size, modified, unreadable: reason(error) });
    }
  });
  if (failure) throw failure;
}

/** Sources for a rank of a cluster until they are booked. */
const copiesAtOnce = 500;

/** @param stale what rank 0 has planned. */
async function copyOnRanks(world: World, stale: Source[], options: ResizeOptions, book: Book): Promise<void> {
  await checkShared(world, options.data);
  const dealing = { atOnce: copiesAtOnce, signal: options.signal };
  const results = dealOut(world, await world.share(stale), dealing, async (sources) => {
    const entries = new Map<Source, Entry>();
    await copyAll(sources, options, (source, entry) => entries.set(source, entry));
    return sources.map((source) => ({ source, entry: entries.get(source) }));
  });
  for await (const { source, entry } of results) if (entry) book(source, entry);
}

/**
 * Makes the copies that are missing or stale.
 * @returns how many were made, and whether all were done.
 */
async function makeCopies({ ledger, stale }: Plan, options: ResizeOptions) {
  const { world, onProgress } = options;
  let [done, made] = [0, 0];
  const book: Book = ({ path }, entry) => {
    ledger.set(path, entry);
    if (entry.unreadable === undefined) made++;
    done++;
    onProgress?.(done, stale.length);
  };
  if (world) await copyOnRanks(world, stale, options, book);
  else await copyAll(stale, options, book);
  return { made, finished: done === stale.length };
}

/** What killed runs left beside the copies to be made. */
async function removeRestsOf(stale: Source[], data: string): Promise<void> {
  const folders = new Set(stale.map(({ path }) => dirname(path)));
  for (const folder of folders) await removeRests(join(data, folder));
}

/**
 * Makes data/<class>/*.jpg of rawdata/<class>/*: one size, one format. Only what changed is done again; what
 * cannot be read is left out and reported each time, as a class without pictures is.
 * @throws {UsageError} where data/ and rawdata/ lie in each other.
 * @throws {UserError} where there are no classes, nothing of a class can be read, data/ cannot be written, or a file
 * that was not made here is in the way.
 */
export async function resizeAll(options: ResizeOptions): Promise<ResizeReport> {
  const plan = await makePlan(options);
  try {
    return await carryOut(plan, options);
  } catch (error) {
    if (error instanceof UserError || !('syscall' in (error as Error))) throw error;
    throw new UserError(`${options.data} cannot be written: ${reason(error)}`);
  }
}

async function carryOut(plan: Plan, options: ResizeOptions): Promise<ResizeReport> {
  const { rawData, data, signal } = options;
  await makeFolder(data);
  // A plan that was stopped does not know all sources.
  const isWhole = !signal?.aborted;
  if (isWhole && isFirst(options)) {
    await writeSoftLabels(data, await readSoftLabels(rawData));
    // Before the copies: the ledger of a run that is killed must not know of copies that the list does not.
    await writeGeneratedList(data, plan.generated);
  }
  const { made, finished } = await (isWhole ? update(plan, options) : makeCopies(nothing(plan), options));
  const report = { ...summarise(plan, options), made, removed: isWhole ? plan.orphans.length : 0 };
  if (!finished || signal?.aborted) return { ...report, stopped: true };
  checkClasses(plan, options);
  return report;
}

/** What the other ranks do while rank 0 resizes. */
export async function helpResize(world: World, options: ResizeOptions): Promise<void> {
  await copyOnRanks(world, [], options, () => {});
}

function nothing(plan: Plan): Plan {
  return { ...plan, stale: [], orphans: [], emptyFolders: [] };
}

/** Brings data/ and the ledger to what was planned. */
async function update(plan: Plan, options: ResizeOptions): ReturnType<typeof makeCopies> {
  const { ledger, stale } = plan;
  if (isDone(plan) && ledger.fits) return makeCopies(nothing(plan), options);
  await ledger.open();
  try {
    await removeOrphans(plan, options);
    // What another shard is just writing looks like a rest where it runs on another host.
    if (!options.shard) await removeRestsOf(stale, options.data);
    await ledger.announce(stale.filter(({ collidesWith }) => !collidesWith).map(({ path }) => path));
    return await makeCopies(plan, options);
  } finally {
    await ledger.close();
  }
}

function checkClasses({ classes, ledger }: Plan, { rawData }: ResizeOptions): void {
  for (const { name, pictures } of classes) {
    const isReadable = (picture: string) => ledger.get(`${name}/${picture}`)?.unreadable === undefined;
    if (pictures.some(isReadable)) continue;
    throw new UserError(
      `${join(rawData, name)} holds no readable picture (${pictures.length} files); ` +
        'add pictures or remove the folder.',
    );
  }
}

function summarise(
  { classes, ledger, current, isOwn, skipped, strangers }: Plan,
  { rawData }: ResizeOptions,
): ResizeReport {
  const unreadable: ResizeReport['unreadable'] = [];
  for (const [source, entry] of ledger.entries())
    if (entry.unreadable !== undefined && isOwn(source))
      unreadable.push({ file: join(rawData, source), reason: entry.unreadable });
  return {
    classes: classes.map(({ name }) => name),
    made: 0,
    unchanged: current,
    removed: 0,
    unreadable: unreadable.sort((a, b) => (a.file < b.file ? -1 : 1)),
    skipped: skipped.map(({ path, reason }) => ({ file: join(rawData, path), reason })),
    strangers,
  };
}

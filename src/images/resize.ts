import { mkdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { removeRests, temporaryName } from '../files.ts';
import { type PictureSize, readably, standardise } from './decode.ts';
import { type ClassFolder, findClasses, findFiles, findPictures } from './find.ts';
import { copyNameOf } from './generated.ts';
import { resizeJpeg } from './jpeg/index.ts';
import { type Entry, ResizeLedger } from './resize_ledger.ts';
import { readSoftLabels, writeSoftLabels } from './soft_labels.ts';

export interface ResizeOptions extends PictureSize {
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
  /** There where the signal ended it before all was done. */
  stopped?: true;
}

interface Source extends Entry {
  /** Below rawdata. */
  path: string;
}

interface Work {
  source: string;
  /** Path below data. */
  copy: string;
  /** Another source whose copy has the same name. */
  collidesWith: string | undefined;
}

interface Plan {
  ledger: ResizeLedger;
  classes: ClassFolder[];
  stale: Source[];
  /** Pictures whose copy is there and of today. */
  current: number;
  /** Sources that are gone, whose copies are still there. */
  orphans: string[];
  /** Whether there is such a source. */
  isSource: (path: string) => boolean;
}

const jpeg = { quality: 95, chromaSubsampling: '4:4:4' };
/** Goes up whenever the same picture would become another one. */
const maker = 2;
/** Failures of the disk that is written to, which no picture is to blame for. */
const diskFailures = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

/** What copies depend on besides their sources, as the ledger has it. */
export function copySettings({ width, height, channels, fit }: PictureSize): string {
  return JSON.stringify({ width, height, channels, fit, jpeg, maker });
}

async function makePlan(options: ResizeOptions): Promise<Plan> {
  const { rawData, data } = options;
  const { classes } = await findPictures(rawData);
  const ledger = await ResizeLedger.read(data, copySettings(options));
  const sources = new Set<string>();
  const stale: Source[] = [];
  let unreadable = 0;
  for (const { name, pictures } of classes) {
    const copies = new Set(await findFiles(join(data, name)));
    const found = await mapConcurrently(pictures, 0, async (picture): Promise<Source | undefined> => {
      if (options.signal?.aborted) return undefined;
      const path = `${name}/${picture}`;
      sources.add(path);
      const { size, modified } = await stampOf(join(rawData, path));
      const entry = ledger.get(path);
      if (entry?.size !== size || entry.modified !== modified) return { path, size, modified };
      if (entry.unreadable !== undefined) unreadable++;
      else if (!copies.has(copyNameOf(picture))) return { path, size, modified };
      return undefined;
    });
    for (const source of found) if (source) stale.push(source);
  }
  const orphans: string[] = [];
  for (const [source] of ledger.entries()) if (!sources.has(source)) orphans.push(source);
  const current = sources.size - stale.length - unreadable;
  return { ledger, classes, stale, current, orphans, isSource: (path) => sources.has(path) };
}

/** Of a link that leads nowhere, what no file has. */
async function stampOf(file: string): Promise<Entry> {
  const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
  return { size, modified: mtimeMs };
}

/**
 * Whether data/ lacks something that resizeAll would make. Without raw pictures, data/ is taken as it is:
 * it can come from elsewhere.
 */
export async function isStale(options: ResizeOptions): Promise<boolean> {
  if ((await findClasses(options.rawData)).length === 0)
    return (await findClasses(options.data)).length === 0;
  const { stale, orphans } = await makePlan(options);
  return stale.length + orphans.length > 0;
}

async function makeCopy({ source, copy, collidesWith }: Work, options: ResizeOptions): Promise<void> {
  if (collidesWith) throw new Error(`its copy would have the name of ${collidesWith}; rename one of them`);
  const input = join(options.rawData, source);
  const output = join(options.data, copy);
  const { width, height, channels, fit } = options;
  const target = { width, height, channels, fit, quality: jpeg.quality };
  if (await resizeJpeg({ input, target, output })) return;
  await mkdir(dirname(output), { recursive: true });
  const temporary = temporaryName(output);
  const picture = await readably(input, async () =>
    (await standardise(input, options)).jpeg(jpeg).toBuffer(),
  );
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
async function removeOrphans({ ledger, orphans, isSource }: Plan, { data }: ResizeOptions): Promise<void> {
  const folders = new Set<string>();
  await mapConcurrently(orphans, 0, async (source) => {
    // Of two sources whose copies would share a name, the other may still be there.
    if (!isSource(copyNameOf(source))) await removeCopy(data, source);
    ledger.delete(source);
    folders.add(dirname(join(data, source)));
  });
  // Fails where something else is still in the folder, which is then to stay.
  for (const folder of folders) await rmdir(folder).catch(() => {});
}

async function removeCopy(data: string, source: string): Promise<void> {
  await rm(join(data, copyNameOf(source)), { force: true });
}

/**
 * Makes the copies that are missing or stale.
 * @returns how many.
 * @throws {UserError} where the disk does not take them; what was made before is booked.
 */
async function makeCopies({ ledger, stale, isSource }: Plan, options: ResizeOptions): Promise<number> {
  const { data, workers, signal, onProgress } = options;
  let done = 0;
  let made = 0;
  let failure: UserError | undefined;
  const inFlight = workers || 8 * availableParallelism();
  await mapConcurrently(stale, inFlight, async ({ path, size, modified }) => {
    if (signal?.aborted || failure) return;
    const copy = copyNameOf(path);
    const collidesWith = copy !== path && isSource(copy) ? copy : undefined;
    try {
      await makeCopy({ source: path, copy, collidesWith }, options);
      ledger.set(path, { size, modified });
      made++;
    } catch (error) {
      if (diskFailures.has((error as NodeJS.ErrnoException).code ?? '')) {
        failure ??= new UserError(`${join(data, copy)} cannot be written: ${reason(error)}`);
        return;
      }
      if (!collidesWith) await removeCopy(data, path);
      ledger.set(path, { size, modified, unreadable: reason(error) });
    }
    onProgress?.(++done, stale.length);
  });
  if (failure) throw failure;
  return made;
}

/** What killed runs left beside the copies to be made. */
async function removeRestsOf(stale: Source[], data: string): Promise<void> {
  const folders = new Set(stale.map(({ path }) => dirname(path)));
  for (const folder of folders) await removeRests(join(data, folder));
}

/**
 * Makes data/<class>/*.jpg of rawdata/<class>/*: one size, one format. Only what changed is done again; what
 * cannot be read is left out and reported each time.
 * @throws {UserError} where there are no classes, nothing of a class can be read, or data/ cannot be written.
 */
export async function resizeAll(options: ResizeOptions): Promise<ResizeReport> {
  const { rawData, data, signal } = options;
  const plan = await makePlan(options);
  // A plan that was stopped does not know all sources.
  if (signal?.aborted) return { ...summarise(plan, options), stopped: true };
  await mkdir(data, { recursive: true });
  const { ledger, stale, orphans } = plan;
  let made = 0;
  if (stale.length + orphans.length > 0 || !ledger.fits) {
    await ledger.open();
    try {
      await removeOrphans(plan, options);
      await removeRestsOf(stale, data);
      made = await makeCopies(plan, options);
    } finally {
      await ledger.close();
    }
  }
  await writeSoftLabels(data, await readSoftLabels(rawData));
  const report = { ...summarise(plan, options), made, removed: orphans.length };
  if (signal?.aborted) return { ...report, stopped: true };
  checkClasses(plan, options);
  return report;
}

function checkClasses({ classes, ledger }: Plan, { rawData }: ResizeOptions): void {
  for (const { name, pictures } of classes) {
    const isReadable = (picture: string) => ledger.get(`${name}/${picture}`)?.unreadable === undefined;
    if (pictures.some(isReadable)) continue;
    const why = pictures.length === 0 ? 'is empty' : `holds no readable picture (${pictures.length} files)`;
    throw new UserError(`${join(rawData, name)} ${why}; add pictures or remove the folder.`);
  }
}

function summarise({ classes, ledger, current }: Plan, { rawData }: ResizeOptions): ResizeReport {
  const unreadable: ResizeReport['unreadable'] = [];
  for (const [source, entry] of ledger.entries())
    if (entry.unreadable !== undefined)
      unreadable.push({ file: join(rawData, source), reason: entry.unreadable });
  return {
    classes: classes.map(({ name }) => name),
    made: 0,
    unchanged: current,
    removed: 0,
    unreadable: unreadable.sort((a, b) => (a.file < b.file ? -1 : 1)),
  };
}

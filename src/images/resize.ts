import { dirname, join } from 'node:path';
import type { World } from '../cluster/index.ts';
import { reason, UserError } from '../errors.ts';
import { makeFolder, removeLeftovers } from '../system/files.ts';
import { keepFolderApart } from '../system/keep_apart.ts';
import { counted } from '../text/format.ts';
import { findClasses } from './find.ts';
import { writeGeneratedList } from './generated.ts';
import { copyOnRanks, makeCopies, removeOrphans } from './resize_copies.ts';
import {
  isFirst,
  isUpToDate,
  makePlan,
  type ResizeOptions,
  type ResizePlan,
  type Source,
} from './resize_plan.ts';
import { readSoftLabels, writeSoftLabels } from './soft_labels.ts';

export type { ResizeOptions };

export interface ResizeReport {
  /** Names of the classes that have pictures. */
  classes: string[];
  /** Copies made in this run. */
  made: number;
  /** Copies that were up to date. */
  unchanged: number;
  /** Copies removed, since their sources are gone. */
  removed: number;
  unreadable: { file: string; reason: string }[];
  /** Folders and files of rawdata that were left out, and why; classes without pictures are among them. */
  skipped: { file: string; reason: string }[];
  /** Paths below data of files that are not copies of rawdata's pictures. Training uses them as they are. */
  strangers: string[];
  /** Set where the signal stopped it before everything was done. */
  stopped?: true;
}

/** The state of data/ before a training. */
export interface DataState extends Pick<ResizeReport, 'skipped' | 'strangers'> {
  /** Whether resizeAll would make or remove something. */
  isStale: boolean;
}

/**
 * Compares data/ with rawdata/. Without raw pictures data/ is taken as it is, since it may have been made elsewhere.
 * @throws {UsageError} where one of the two folders lies inside the other.
 * @throws {UserError} where a copy would overwrite a file that resize did not make.
 */
export async function surveyData(options: ResizeOptions): Promise<DataState> {
  const { rawData, data } = options;
  if ((await findClasses(rawData)).length === 0) {
    await keepFolderApart(rawData, { option: '--data', path: data });
    return { isStale: (await findClasses(data)).length === 0, skipped: [], strangers: [] };
  }
  const plan = await makePlan(options);
  const { skipped, strangers } = summarise(plan, options);
  return { isStale: !isUpToDate(plan), skipped, strangers };
}

/**
 * Makes data/<class>/<picture>.jpg from rawdata/<class>/<picture>: JPEGs of quality 95, all of one size, upright, sRGB, with
 * transparency on white. Only what changed is made again, and copies whose sources are gone are removed. Pictures that
 * cannot be read are left out and reported in each run.
 * @throws {UsageError} where data/ lies inside rawdata/, or the other way round.
 * @throws {UserError} where there are no classes, a class has no readable picture, data/ cannot be written, or a copy would
 * overwrite a file that was not made here.
 *
 * @example
 * ```ts
 * import { resizeAll } from 'bat-sup';
 *
 * const { made, unchanged, unreadable } = await resizeAll({
 *   rawData: 'rawdata',
 *   data: 'data',
 *   width: 100,
 *   height: 100,
 *   channels: 3,
 *   fit: 'fill',
 *   workers: 0,
 * });
 * console.log(`${made} made, ${unchanged} unchanged`);
 * for (const { file, reason } of unreadable) console.error(`${file}: ${reason}`);
 * ```
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

/** What the other ranks do while rank 0 resizes. */
export async function helpResize(world: World, options: ResizeOptions): Promise<void> {
  await copyOnRanks(world, [], options, () => {});
}

async function carryOut(plan: ResizePlan, options: ResizeOptions): Promise<ResizeReport> {
  const { rawData, data, signal } = options;
  await makeFolder(data);
  // Where planning was stopped, some sources are missing from the plan.
  const isComplete = !signal?.aborted;
  if (isComplete && isFirst(options)) {
    await writeSoftLabels(data, await readSoftLabels(rawData));
    // Before the copies: if this run is killed, the ledger must not name copies that the list does not.
    await writeGeneratedList(data, plan.generated);
  }
  const { made, finished } = await (isComplete ? update(plan, options) : makeCopies(emptied(plan), options));
  const report = { ...summarise(plan, options), made, removed: isComplete ? plan.orphans.length : 0 };
  if (!finished || signal?.aborted) return { ...report, stopped: true };
  checkClasses(plan, options);
  return report;
}

/** The plan with nothing to do. */
function emptied(plan: ResizePlan): ResizePlan {
  return { ...plan, stale: [], orphans: [], emptyFolders: [] };
}

/** Brings data/ and the ledger up to date. */
async function update(plan: ResizePlan, options: ResizeOptions): ReturnType<typeof makeCopies> {
  const { ledger, stale } = plan;
  if (isUpToDate(plan) && ledger.fits) return makeCopies(emptied(plan), options);
  await ledger.open();
  try {
    await removeOrphans(plan, options);
    // A file that another shard is writing on another host looks like a leftover.
    if (!options.shard) await removeLeftoversOf(stale, options.data);
    await ledger.announce(stale.filter(({ collidesWith }) => !collidesWith).map(({ path }) => path));
    return await makeCopies(plan, options);
  } finally {
    await ledger.close();
  }
}

/** Removes temporary files of killed runs from the folders that copies are written to. */
async function removeLeftoversOf(stale: Source[], data: string): Promise<void> {
  const folders = new Set(stale.map(({ path }) => dirname(path)));
  for (const folder of folders) await removeLeftovers(join(data, folder));
}

/** @throws {UserError} where a class has no readable picture. */
function checkClasses({ classes, ledger }: ResizePlan, { rawData }: ResizeOptions): void {
  for (const { name, pictures } of classes) {
    const isReadable = (picture: string) => ledger.get(`${name}/${picture}`)?.unreadable === undefined;
    if (pictures.some(isReadable)) continue;
    throw new UserError(
      `${join(rawData, name)} holds no readable picture (${counted(pictures.length, 'file')}); ` +
        'add pictures, or remove the folder.',
    );
  }
}

function summarise(
  { classes, ledger, current, isOwn, skipped, strangers }: ResizePlan,
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

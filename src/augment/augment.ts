import { basename, join } from 'node:path';
import { checkShared, type Shard, type Splitting, shareOf, type World } from '../cluster/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { type ClassFolder, type FoundPictures, findPictures, skippedOf } from '../images/find.ts';
import { generatedNameOf } from '../images/generated.ts';
import { type SoftLabels, writeSoftLabels } from '../images/soft_labels.ts';
import { isWithin, keepFolderApart, realPathOf } from '../system/keep_apart.ts';
import { cleanAugmented, cleanMasks, findGeneratedAmong, pathsOf, removeGenerated } from './clean.ts';
import { type Job, labelOfCopy, nameTooLong } from './copies.ts';
import { surveyCopies } from './existing_copies.ts';
import { pairMasks } from './masks.ts';
import { checkHeader, decodeSource } from './picture.ts';
import { allPipelines, findMixing, type OperationsOfClasses } from './pipeline.ts';
import {
  type ClassPlan,
  type CopiesOfSource,
  type KnownCopies,
  planClass,
  readableSources,
  type Unreadable,
} from './plan.ts';
import { runTasks, splitIntoTasks, type Tasks } from './run_tasks.ts';
import {
  describeSettings,
  maskFolderOf,
  readAugmentSettings,
  writeAugmentSettings,
} from './settings_file.ts';

export { cleanAugmented };

export interface AugmentOptions extends OperationsOfClasses, Splitting {
  /** Folder with a folder of pictures for each class. */
  rawData: string;
  /** Pictures per class to make up to, sources included. */
  target: number;
  /** Seed of all random choices: a whole number. */
  seed: number;
  /** Threads; 0: one for each core. */
  workers: number;
  /** Longest side of a copy before its operations, pixels; default 512. Smaller sources stay as they are. */
  longestSide?: number;
  /** Folder with the same class folders and a mask for each source: copies get masks that follow their geometry. */
  masks?: string | undefined;
  /** Called after each copy. @param done copies made so far. @param total copies to make. */
  onProgress?: (done: number, total: number) => void;
}

export interface AugmentReport {
  /** How many pictures each class has now. */
  classes: { name: string; sources: number; generated: number }[];
  /** Copies made in this run. */
  made: number;
  /** Copies that earlier runs made and that are still right. */
  kept: number;
  /** Copies removed, since they are too many or of other settings. */
  removed: number;
  /** Files that cannot be read, and why. */
  unreadable: Unreadable[];
  /** Folders and files that were left out, and why; classes without pictures are among them. */
  skipped: Unreadable[];
}

/** Longest file name on most disks. */
const maxNameBytes = 255;

/** The pictures that copies can be made of. */
interface Sources {
  /** Paths below rawdata. */
  sources: string[];
  unreadable: Unreadable[];
}

/**
 * Adds varied copies of its sources to every class until it has `target` pictures. Copies are JPEGs beside their sources,
 * named `<source>.aug-0001.jpg`. Sources are never changed, and only files that carry augment's mark are removed. The same
 * seed and sources give the same files, however many workers there are and however often it was interrupted.
 * @throws {UsageError} for an unknown operation, parameter or class, or masks inside the folder of pictures.
 * @throws {UserError} where there are no classes, a class has no readable source, or a file cannot be written.
 *
 * @example
 * ```ts
 * import { augmentAll } from 'bat-sup';
 *
 * const { classes } = await augmentAll({
 *   rawData: 'rawdata',
 *   target: 20,
 *   operations: ['flipLeftRight', { operation: 'rotate', probability: 0.5, maxLeft: 10, maxRight: 10 }],
 *   seed: 1,
 *   workers: 0,
 * });
 * for (const { name, sources, generated } of classes) console.log(name, sources, generated);
 * ```
 */
export async function augmentAll(options: AugmentOptions): Promise<AugmentReport> {
  const { rawData, seed, longestSide = 512, masks, world } = options;
  const mixing = findMixing(allPipelines(options));
  if (mixing !== undefined && masks !== undefined)
    throw new UsageError(
      `${mixing} mixes pictures, which masks cannot follow; leave out ${mixing} or --masks.`,
    );
  if (masks !== undefined) await keepFolderApart(rawData, { option: '--masks', path: masks });
  const found = await findPictures(rawData);
  const folders = filledOf(found);
  checkClasses(options, folders);
  const readable = await findReadable(folders, options, mixing !== undefined);
  const job: Job = {
    rawData,
    seed,
    longestSide,
    operations: options.operations,
    classes: options.classes ?? {},
    sources: mixing !== undefined ? readable.sources : [],
    masks,
  };
  if (world) await checkShared(world, rawData);
  const names = folders.map(({ name }) => name);
  const removed = await removeOfOtherSettings(job, await describeSettings(job, names), options.shard);
  if (options.shard) await leaveOutBroken(job, options, readable);
  const { plans, made } = await makeAll(job, options, readable);
  await world?.share(undefined);
  const surplus = plans.flatMap((plan) => plan.surplus);
  for (const path of surplus) await removeGenerated(job, path);
  const report = plans.map(({ name, sources, wanted }) => ({
    name,
    sources: sources.length,
    generated: wanted.reduce((sum, { copies }) => sum + copies.length, 0),
  }));
  return {
    classes: report,
    made,
    kept: report.reduce((sum, { generated }) => sum + generated, 0) - made,
    removed: removed + surplus.length,
    unreadable: readable.unreadable.sort((a, b) => (a.file < b.file ? -1 : 1)),
    skipped: skippedOf(found).map(({ path, reason }) => ({ file: join(rawData, path), reason })),
  };
}

/** What the other ranks do while rank 0 augments. */
export async function helpAugment(world: World, options: AugmentOptions): Promise<void> {
  await checkShared(world, options.rawData);
  for (;;) {
    const tasks = await world.share<Tasks | undefined>(undefined);
    if (!tasks) return;
    await runTasks(tasks, options);
  }
}

/** The classes that have pictures. */
function filledOf({ classes }: FoundPictures): ClassFolder[] {
  return classes.filter(({ pictures }) => pictures.length > 0);
}

function checkClasses({ classes = {}, rawData }: AugmentOptions, folders: ClassFolder[]): void {
  const names = folders.map(({ name }) => name);
  const unknown = Object.keys(classes).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(`augmentClasses: ${rawData} has no class "${unknown}"; it has ${names.join(', ')}.`);
}

/**
 * Finds the sources and checks that they can be read. The header is enough, but where sources are mixed all must be decoded:
 * the choice of partners depends on them from the first copy on.
 */
async function findReadable(
  folders: ClassFolder[],
  options: AugmentOptions,
  mixes: boolean,
): Promise<Sources> {
  const { rawData, longestSide = 512 } = options;
  const paths = pathsOf(folders);
  const generated = await findGeneratedAmong(rawData, paths);
  const sources = paths.filter((path) => !generated.has(path));
  return readableSources(sources, options, async (source) => {
    if (Buffer.byteLength(basename(generatedNameOf(source, 1))) > maxNameBytes) throw new Error(nameTooLong);
    if (mixes) await decodeSource(join(rawData, source), longestSide);
    else await checkHeader(join(rawData, source));
  });
}

/**
 * Removes the copies that were made with another seed or other operations: they have the names of the new ones. A shard
 * removes nothing, since what is there may be another shard's; only the first one writes the settings.
 * @returns how many pictures were removed.
 */
async function removeOfOtherSettings(
  { rawData, masks }: Job,
  settings: string,
  shard: Shard | undefined,
): Promise<number> {
  const before = await readAugmentSettings(rawData);
  if (before === settings) return 0;
  if (shard) {
    if (before !== '')
      throw new UserError(
        `${rawData} has pictures that augment made with other settings, perhaps in another shard; ` +
          'run "bat-sup augment --clean" before the shards.',
      );
    if (shard.index === 0) await writeAugmentSettings(rawData, settings);
    return 0;
  }
  const masksBefore = maskFolderOf(before, await realPathOf(rawData));
  if (masksBefore) await cleanMasks(masksBefore, new Map());
  const removed = await cleanAugmented(rawData, masks);
  await writeAugmentSettings(rawData, settings);
  return removed;
}

/** Decodes all sources of a shard: no other shard reports which ones are damaged beyond their headers. */
async function leaveOutBroken(job: Job, options: AugmentOptions, readable: Sources): Promise<void> {
  const pictures = pathsOf((await findPictures(job.rawData)).classes);
  const generated = await findGeneratedAmong(job.rawData, pictures);
  const masks = job.masks ? await pairMasks(job.masks, readable.sources, generated) : new Map();
  const tasks = readable.sources.map((source) => ({ source, copies: [], mask: masks.get(source) }));
  const { failures } = await runTasks({ job, tasks }, { ...options, onProgress: undefined });
  leaveOut(job, readable, failures);
}

/** @param failures reasons by source. */
function leaveOut({ rawData }: Job, readable: Sources, failures: Map<string, string>): void {
  readable.sources = readable.sources.filter((source) => !failures.has(source));
  for (const [source, why] of failures)
    readable.unreadable.push({ file: join(rawData, source), reason: why });
}

/** Makes the missing copies. Where a source turns out to be unreadable, plans anew without it. */
async function makeAll(job: Job, options: AugmentOptions, readable: Sources) {
  const { world, shard } = options;
  let made = 0;
  for (;;) {
    const folders = filledOf(await findPictures(job.rawData));
    const pictures = pathsOf(folders);
    const generated = await findGeneratedAmong(job.rawData, pictures);
    const masks = job.masks ? await pairMasks(job.masks, readable.sources, generated) : new Map();
    const known = await surveyCopies(job, pictures, generated, masks);
    const all = planAll(folders, options, readable, known);
    if (!shard || shard.index === 0) await writeSoftLabels(job.rawData, softLabelsOf(job, all));
    const plans = shard ? partOf(all, shard) : all;
    const tasks = plans.flatMap(({ missing }) => missing).flatMap((copies) => splitIntoTasks(copies, masks));
    if (world) await world.share<Tasks>({ job, tasks });
    const { failures, count } = await runTasks({ job, tasks }, options);
    made += count;
    if (failures.size === 0) return { plans, made };
    leaveOut(job, readable, failures);
  }
}

function planAll(
  folders: ClassFolder[],
  { rawData, target }: AugmentOptions,
  { sources, unreadable }: Sources,
  known: KnownCopies,
): ClassPlan[] {
  const readable = new Set(sources);
  return folders.map((folder) => {
    const files = pathsOf([folder]).filter((path) => !known.generated.has(path) && readable.has(path));
    const ofClass = unreadable.filter(({ file }) => isWithin(join(rawData, folder.name), file));
    return planClass(folder, files, { rawData, target, unreadable: ofClass }, known);
  });
}

/** A shard's part of the plans: the copies of some sources. Only the first one removes surplus copies. */
function partOf(plans: ClassPlan[], shard: Shard): ClassPlan[] {
  const sources = plans.flatMap((plan) => plan.sources);
  const own = new Set(shareOf(sources, shard));
  const isOwn = ({ source }: CopiesOfSource) => own.has(source);
  return plans.map((plan) => ({
    ...plan,
    wanted: plan.wanted.filter(isOwn),
    missing: plan.missing.filter(isOwn),
    surplus: shard.index === 0 ? plan.surplus : [],
  }));
}

/** Labels are written before the pictures, so that no picture is without its label. */
function softLabelsOf(job: Job, plans: ClassPlan[]): SoftLabels {
  const labels: SoftLabels = {};
  if (job.sources.length === 0) return labels;
  for (const { source, copies } of plans.flatMap(({ wanted }) => wanted))
    for (const copy of copies) {
      const label = labelOfCopy(job, source, copy);
      if (label) labels[generatedNameOf(source, copy)] = label;
    }
  return labels;
}

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { Piscina } from 'piscina';
import { mapConcurrently } from '../async/concurrency.ts';
import { checkShared, dealOut, type Shard, type Splitting, shareOf, type World } from '../cluster/index.ts';
import { cannotWrite, UsageError, UserError } from '../errors.ts';
import { type ClassFolder, type FoundPictures, findPictures, skippedOf } from '../images/find.ts';
import {
  augmentSettingsFile,
  findMarked,
  type Generated,
  generatedNameOf,
  isBeforeMarks,
  parseGeneratedName,
  settingsVersion,
} from '../images/generated.ts';
import { type SoftLabels, writeSoftLabels } from '../images/soft_labels.ts';
import { writeFileAtomically } from '../system/files.ts';
import { isWithin, keepFolderApart, realPathOf } from '../system/keep_apart.ts';
import { threadModule } from '../system/thread_module.ts';
import {
  type Copies,
  changeOf,
  changesOf,
  digestOf,
  ingredientsOf,
  type Job,
  nameTooLong,
  type Outcome,
} from './copies.ts';
import { findGeneratedMasks, findNamesakes, isOwnMask, maskNameOf, pairMasks } from './masks.ts';
import { softLabelOf } from './partners.ts';
import { checkHeader, decodeSource } from './picture.ts';
import {
  allPipelines,
  describePipeline,
  findMixing,
  type OperationsOfClasses,
  parsePipeline,
  pipelineOf,
} from './pipeline.ts';
import { type ClassPlan, planClass, readableSources, type Unreadable, type Work } from './plan.ts';

export interface AugmentOptions extends OperationsOfClasses, Splitting {
  rawData: string;
  /** Pictures a class to make up to, sources included. */
  target: number;
  seed: number;
  /** Threads; 0: one for each core. */
  workers: number;
  /** Longest side of a generated picture before its operations, pixels; smaller sources stay as they are. */
  longestSide?: number;
  /** Folder with the same class folders and a mask for each source, which is varied with it. */
  masks?: string | undefined;
  onProgress?: (done: number, total: number) => void;
}

export interface AugmentReport {
  classes: { name: string; sources: number; generated: number }[];
  made: number;
  kept: number;
  removed: number;
  unreadable: Unreadable[];
  /** Folders and names that were passed over; classes without a picture are among them. */
  skipped: Unreadable[];
}

/** Bytes that names can have on most disks. */
const longestName = 255;

/** Copies that a thread makes of a source that it has decoded once. */
const copiesPerTask = 8;

/** While one picture is decoded or encoded the thread works on another. */
const tasksPerThread = 2;

/** With which settings augment made what is there, JSON; '' where it has not run. */
function readAugmentSettings(rawData: string): Promise<string> {
  return readFile(augmentSettingsFile(rawData), 'utf8').catch(() => '');
}

/**
 * Copies made with another seed or other operations would mix with the new ones under the same names, so they go.
 * A shard removes nothing: what is there may be another shard's, which only the first one keeps the settings of.
 */
async function removeOfOtherSettings(
  { rawData, masks }: Job,
  settings: string,
  { shard }: Splitting,
): Promise<number> {
  const before = await readAugmentSettings(rawData);
  if (before === settings) return 0;
  if (shard) {
    if (before !== '')
      throw new UserError(
        `${rawData} has pictures that augment made with other settings, which another shard may be making; ` +
          'run "bat-sup augment --clean" before the shards.',
      );
    if (shard.index === 0) await writeAugmentSettings(rawData, settings);
    return 0;
  }
  const masksBefore = masksOfSettings(before, await realPathOf(rawData));
  if (masksBefore) await cleanMasks(masksBefore, new Map());
  const removed = await cleanAugmented(rawData, masks);
  await writeAugmentSettings(rawData, settings);
  return removed;
}

async function writeAugmentSettings(rawData: string, settings: string): Promise<void> {
  const file = augmentSettingsFile(rawData);
  await writeFileAtomically(file, settings).catch((error) => cannotWrite(file, error));
}

/** The path of the masks' folder; undefined where there is none, or an earlier version kept it as it was typed. */
function masksOfSettings(settings: string, rawData: string): string | undefined {
  try {
    const { maskFolder } = JSON.parse(settings);
    return typeof maskFolder === 'string' ? resolve(rawData, maskFolder) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes every class up to `target` pictures with varied copies of its sources, beside them. Sources are never
 * changed, and only what augment has marked as made is removed; the same seed and sources give the same files,
 * whatever the workers or interruptions.
 * @throws {UsageError} for an operation, a parameter or a class that is not there, or masks among the pictures.
 * @throws {UserError} where there are no classes or a class has no readable source.
 */
export async function augmentAll(options: AugmentOptions): Promise<AugmentReport> {
  const { rawData, seed, longestSide = 512, masks, world } = options;
  const mixing = findMixing(allPipelines(options));
  if (mixing !== undefined && masks !== undefined)
    throw new UsageError(
      `${mixing} mixes pictures, which masks cannot follow; leave out ${mixing} or --masks.`,
    );
  const mixes = mixing !== undefined;
  if (masks !== undefined) await keepFolderApart(rawData, { option: '--masks', path: masks });
  const found = await findPictures(rawData);
  const folders = filledOf(found);
  checkClasses(options, folders);
  const readable = await findReadable(folders, options, mixes);
  const job: Job = {
    rawData,
    seed,
    longestSide,
    operations: options.operations,
    classes: options.classes ?? {},
    sources: mixes ? readable.sources : [],
    masks,
  };
  if (world) await checkShared(world, rawData);
  const removed = await removeOfOtherSettings(job, await settingsOf(job, folders), options);
  if (options.shard) await leaveOutBroken(job, options, readable);
  const { plans, made } = await makeAll(job, options, readable);
  await world?.share(undefined);
  const surplus = plans.flatMap((plan) => plan.surplus);
  for (const file of surplus) await removeGenerated(job, file);
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

/** The classes in which there is something. */
function filledOf({ classes }: FoundPictures): ClassFolder[] {
  return classes.filter(({ pictures }) => pictures.length > 0);
}

async function removeGenerated({ rawData, masks }: Job, file: string): Promise<void> {
  await rm(join(rawData, file), { force: true });
  const claim = parseGeneratedName(file);
  if (!masks || !claim) return;
  const mask = join(masks, maskNameOf(claim.source, claim.copy));
  if (await isOwnMask(mask)) await rm(mask, { force: true });
}

/** What the other ranks do while rank 0 augments. */
export async function helpAugment(world: World, options: AugmentOptions): Promise<void> {
  await checkShared(world, options.rawData);
  for (;;) {
    const given = await world.share<Given | undefined>(undefined);
    if (!given) return;
    await runTasks(given, options);
  }
}

function checkClasses({ classes = {}, rawData }: AugmentOptions, folders: ClassFolder[]): void {
  const names = folders.map(({ name }) => name);
  const unknown = Object.keys(classes).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(`augmentClasses: ${rawData} has no class "${unknown}"; it has ${names.join(', ')}.`);
}

interface Readable {
  sources: string[];
  unreadable: Unreadable[];
}

function pathsOf(folders: ClassFolder[]): string[] {
  return folders.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
}

/**
 * The pictures that augment made: those that it marked; before it did so those named after a source beside them.
 * @param paths of all pictures.
 */
async function findOwn(rawData: string, paths: string[]): Promise<Map<string, Generated>> {
  const isOld = isBeforeMarks(await readAugmentSettings(rawData));
  const claims = paths.filter((path) => parseGeneratedName(path));
  return findMarked(rawData, claims, new Set(isOld ? paths : []));
}

/** A header tells most of what cannot be read. Where sources are mixed, all must be known from the first copy on. */
async function findReadable(
  folders: ClassFolder[],
  options: AugmentOptions,
  mixes: boolean,
): Promise<Readable> {
  const { rawData, longestSide = 512 } = options;
  const paths = pathsOf(folders);
  const own = await findOwn(rawData, paths);
  const files = paths.filter((path) => !own.has(path));
  return readableSources(files, options, async (source) => {
    if (Buffer.byteLength(basename(generatedNameOf(source, 1))) > longestName) throw new Error(nameTooLong);
    if (mixes) await decodeSource(join(rawData, source), longestSide);
    else await checkHeader(join(rawData, source));
  });
}

/** All that the copies of a source depend on, besides itself. */
async function settingsOf(job: Job, folders: ClassFolder[]): Promise<string> {
  const { rawData, seed, longestSide, sources, masks } = job;
  const realRawData = await realPathOf(rawData);
  return JSON.stringify({
    version: settingsVersion,
    seed,
    longestSide,
    // From the raw pictures, so that it is the same wherever both are moved to or mounted.
    maskFolder: masks && relative(realRawData, await realPathOf(masks)),
    operations: describePipeline(parsePipeline(job.operations)),
    classes: Object.fromEntries(
      folders
        .filter(({ name }) => Object.hasOwn(job.classes ?? {}, name))
        .map(({ name }) => [name, describePipeline(pipelineOf(job, name))]),
    ),
    sources: sources.length > 0 ? createHash('sha256').update(sources.join('\n')).digest('hex') : undefined,
  });
}

/** Of a shard, which learns from no other that a source is broken beyond its header: all are tried. */
async function leaveOutBroken(job: Job, options: AugmentOptions, readable: Readable): Promise<void> {
  const own = await findOwn(job.rawData, pathsOf((await findPictures(job.rawData)).classes));
  const masks = await masksOf(job, readable, own);
  const tasks = readable.sources.map((source) => ({ source, copies: [], mask: masks.get(source) }));
  leaveOut(job, readable, (await runTasks({ job, tasks }, { ...options, onProgress: () => {} })).failures);
}

function leaveOut({ rawData }: Job, readable: Readable, failures: Map<string, string>): void {
  readable.sources = readable.sources.filter((source) => !failures.has(source));
  for (const [source, why] of failures)
    readable.unreadable.push({ file: join(rawData, source), reason: why });
}

async function masksOf(
  { masks }: Job,
  { sources }: Readable,
  generated: ReadonlyMap<string, Generated>,
): Promise<Map<string, string>> {
  return masks ? pairMasks(masks, sources, generated) : new Map();
}

/** Makes what is missing; where a source turns out to be unreadable, what is missing then. */
async function makeAll(job: Job, options: AugmentOptions, readable: Readable) {
  const { world, shard } = options;
  let made = 0;
  for (;;) {
    const folders = filledOf(await findPictures(job.rawData));
    const own = await findOwn(job.rawData, pathsOf(folders));
    const masks = await masksOf(job, readable, own);
    const all = planAll(job, options, folders, readable, {
      own,
      outdated: await findOutdated(job, own, masks),
      takenMasks: await findTakenMasks(job),
    });
    if (!shard || shard.index === 0) await writeSoftLabels(job.rawData, softLabelsOf(job, all));
    const plans = shard ? ownPart(all, shard) : all;
    const tasks = plans
      .flatMap(({ missing }) => missing)
      .flatMap(({ source, copies }) => cut(source, copies, masks));
    if (world) await world.share<Given>({ job, tasks });
    const { failures, count } = await runTasks({ job, tasks }, options);
    made += count;
    if (failures.size === 0) return { plans, made };
    leaveOut(job, readable, failures);
  }
}

/** What a shard is to do: the copies of some sources; the first one also removes what is too many. */
function ownPart(plans: ClassPlan[], shard: Shard): ClassPlan[] {
  const sources = plans.flatMap((plan) => plan.sources);
  const own = new Set(shareOf(sources, shard));
  const isOwn = ({ source }: Work) => own.has(source);
  return plans.map((plan) => ({
    ...plan,
    wanted: plan.wanted.filter(isOwn),
    missing: plan.missing.filter(isOwn),
    surplus: shard.index === 0 ? plan.surplus : [],
  }));
}

/** What of copies there is already. */
interface OwnCopies {
  own: Map<string, Generated>;
  /** Copies of what their source was before. */
  outdated: Set<string>;
  /** Masks of the user's own that have a name of augment's. */
  takenMasks: Set<string>;
}

/** The copies whose source, or what else went into them, has become another since. */
async function findOutdated(
  job: Job,
  own: Map<string, Generated>,
  masks: Map<string, string>,
): Promise<Set<string>> {
  const [changes, digests] = [remembering(changeOf), remembering(digestOf)];
  const outdated = new Set<string>();
  await mapConcurrently([...own], 0, async ([path, { source, digests: made = [] }]) => {
    const { copy } = parseGeneratedName(path) as { copy: number };
    const ingredients = ingredientsOf(job, source, copy, masks.get(source));
    const { mtimeMs } = await stat(join(job.rawData, path)).catch(() => ({ mtimeMs: 0 }));
    const changed = await Promise.all(ingredients.map(changes));
    // A copy that is newer than all of them is of what they are; otherwise their bytes tell.
    if (ingredients.length === made.length && changed.every((time) => time < mtimeMs)) return;
    const now = await Promise.all(ingredients.map((file) => digests(file).catch(() => '')));
    if (now.join() !== made.join()) outdated.add(path);
  });
  return outdated;
}

/** Asks once for each file. */
function remembering<T>(ask: (file: string) => Promise<T>): (file: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (file) => {
    const answer = answers.get(file) ?? ask(file);
    answers.set(file, answer);
    return answer;
  };
}

/** The files below the masks' folder that are named as augment names masks, and that it did not make. */
async function findTakenMasks({ masks }: Job): Promise<Set<string>> {
  if (!masks) return new Set();
  return new Set(await findNamesakes(masks));
}

function planAll(
  { rawData, masks }: Job,
  { target }: AugmentOptions,
  folders: ClassFolder[],
  { sources, unreadable }: Readable,
  { own, outdated, takenMasks }: OwnCopies,
): ClassPlan[] {
  const readable = new Set(sources);
  const there = new Set(pathsOf(folders));
  const known = {
    generated: own,
    has(source: string, copy: number): boolean {
      const name = generatedNameOf(source, copy);
      const isThere = own.has(name) && !outdated.has(name);
      return isThere && (masks === undefined || existsSync(join(masks, maskNameOf(source, copy))));
    },
    isTaken(source: string, copy: number): boolean {
      const name = generatedNameOf(source, copy);
      return (there.has(name) && !own.has(name)) || takenMasks.has(maskNameOf(source, copy));
    },
  };
  return folders.map((folder) => {
    const files = pathsOf([folder]).filter((file) => !own.has(file) && readable.has(file));
    const ofClass = unreadable.filter(({ file }) => isWithin(join(rawData, folder.name), file));
    return planClass(folder, files, { rawData, target, unreadable: ofClass }, known);
  });
}

/** Known before any picture is made, so that none is there without its label. */
function softLabelsOf(job: Job, plans: ClassPlan[]): SoftLabels {
  const labels: SoftLabels = {};
  if (job.sources.length === 0) return labels;
  const anySize = { width: 100, height: 100 };
  for (const { wanted } of plans) {
    for (const { source, copies } of wanted) {
      for (const copy of copies) {
        const changes = changesOf(job, source, copy, anySize);
        const label = softLabelOf(changes, source, job.sources);
        if (label) labels[generatedNameOf(source, copy)] = label;
      }
    }
  }
  return labels;
}

function cut(source: string, copies: number[], masks: Map<string, string>): Copies[] {
  const tasks: Copies[] = [];
  for (let at = 0; at < copies.length; at += copiesPerTask) {
    tasks.push({ source, copies: copies.slice(at, at + copiesPerTask), mask: masks.get(source) });
  }
  return tasks;
}

const worker = threadModule('./copy_worker', import.meta.url);

/** What rank 0 has the others do, too. */
interface Given {
  job: Job;
  tasks: Copies[];
}

/** Tasks for a rank of a cluster until they are counted. */
const tasksAtOnce = 64;

async function runTasks({ job, tasks }: Given, { workers, world, onProgress }: AugmentOptions) {
  const failures = new Map<string, string>();
  const total = tasks.reduce((sum, { copies }) => sum + copies.length, 0);
  let count = 0;
  if (tasks.length === 0) return { failures, count };
  const threads = Math.min(workers || availableParallelism(), Math.ceil(tasks.length / tasksPerThread));
  const pool = new Piscina({
    filename: worker,
    workerData: job,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: tasksPerThread,
  });
  let unwritable: string | undefined;
  const run = async (task: Copies): Promise<Done> => {
    if (unwritable !== undefined) return { task, outcome: { unwritable } };
    const outcome: Outcome = await pool.run(task);
    unwritable ??= outcome.unwritable;
    return { task, outcome };
  };
  const note = ({ task, outcome }: Done) => {
    unwritable ??= outcome.unwritable;
    if (outcome.unreadable !== undefined) failures.set(task.source, outcome.unreadable);
    else if (outcome.unwritable === undefined) count += task.copies.length;
    onProgress?.(count, total);
  };
  // No more than the threads can have at once, so that the pool never ends with tasks in it, each of which would fail.
  const runSome = (some: Copies[]) => mapConcurrently(some, threads * tasksPerThread, run);
  try {
    if (world) for await (const done of dealOut(world, tasks, { atOnce: tasksAtOnce }, runSome)) note(done);
    else await mapConcurrently(tasks, threads * tasksPerThread, async (task) => note(await run(task)));
  } finally {
    await pool.destroy();
  }
  if (unwritable !== undefined) {
    throw new UserError(
      `Cannot write ${unwritable}. ${count} pictures were made; free space or mend the folder, then run it again.`,
    );
  }
  return { failures, count };
}

interface Done {
  task: Copies;
  outcome: Outcome;
}

/**
 * Removes every picture that augment made, and with `masks` every mask, and nothing else.
 * @returns how many pictures.
 */
export async function cleanAugmented(rawData: string, masks?: string): Promise<number> {
  const own = await findOwn(rawData, pathsOf((await findPictures(rawData)).classes));
  for (const file of own.keys()) await rm(join(rawData, file), { force: true });
  if (masks) await cleanMasks(masks, new Map([...own].filter(([, { digests }]) => !digests)));
  await rm(augmentSettingsFile(rawData), { force: true });
  await writeSoftLabels(rawData, {});
  return own.size;
}

/** @param unmarked pictures whose masks were made when augment did not mark them. */
async function cleanMasks(masks: string, unmarked: ReadonlyMap<string, Generated>): Promise<void> {
  for (const mask of await findGeneratedMasks(masks, unmarked)) await rm(join(masks, mask), { force: true });
}

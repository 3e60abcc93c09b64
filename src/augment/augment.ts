import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { checkShared, dealOut, type Shard, type Splitting, shareOf, type World } from '../cluster/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { writeFileAtomically } from '../files.ts';
import { type ClassFolder, findPictures } from '../images/find.ts';
import { generatedNameOf } from '../images/generated.ts';
import { type SoftLabels, writeSoftLabels } from '../images/soft_labels.ts';
import { threadModule } from '../thread_module.ts';
import { type Copies, type Job, keyOf } from './copies.ts';
import { findGeneratedMasks, maskNameOf, pairMasks } from './masks.ts';
import { softLabelOf } from './partners.ts';
import { checkHeader, decodeSource } from './picture.ts';
import {
  allPipelines,
  describePipeline,
  mixingIn,
  type OperationsOfClasses,
  parsePipeline,
  pipelineOf,
  samplePipeline,
} from './pipeline.ts';
import { type ClassPlan, isSource, planClass, readableSources, type Unreadable, type Work } from './plan.ts';

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
}

const settingsName = '.augmented.json';

/** Copies that a thread makes of a source that it has decoded once. */
const copiesPerTask = 8;

/** While one picture is decoded or encoded the thread works on another. */
const tasksPerThread = 2;

/**
 * Copies made with another seed or other operations would mix with the new ones under the same names, so they go.
 */
async function removeOfOtherSettings(
  { rawData, masks }: Job,
  settings: string,
  { shard }: Splitting,
): Promise<number> {
  const file = join(rawData, settingsName);
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before === settings) return 0;
  if (shard && before !== '') {
    throw new UserError(
      `${rawData} has pictures that augment made with other settings, which another shard may be making; ` +
        'run "bat-sup augment --clean" before the shards.',
    );
  }
  if (shard && shard.index > 0) return 0;
  const removed = before === '' ? 0 : await cleanAugmented(rawData, masks);
  await writeFileAtomically(file, settings);
  return removed;
}

/**
 * Makes every class up to `target` pictures with varied copies of its sources, beside them. Sources are never
 * changed; the same seed and sources give the same files, whatever the workers or interruptions.
 * @throws {UsageError} for an operation, a parameter or a class that is not there.
 * @throws {UserError} where there are no classes or a class has no readable source.
 */
export async function augmentAll(options: AugmentOptions): Promise<AugmentReport> {
  const { rawData, seed, longestSide = 512, masks, world } = options;
  const mixes = mixingIn(allPipelines(options)) !== undefined;
  if (mixes && masks)
    throw new UsageError('mixup and cutmix mix pictures, which masks cannot follow; leave out one.');
  const { classes: folders } = await findPictures(rawData);
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
  const removed = await removeOfOtherSettings(job, settingsOf(job, folders), options);
  if (options.shard) await leaveOutBroken(job, options, readable);
  const { plans, made } = await makeAll(job, options, readable);
  await world?.share(undefined);
  const surplus = plans.flatMap((plan) => plan.surplus);
  for (const file of surplus) await rm(join(rawData, file), { force: true });
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
  };
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

/** A header tells most of what cannot be read. Where sources are mixed, all must be known from the first copy on. */
function findReadable(folders: ClassFolder[], options: AugmentOptions, mixes: boolean): Promise<Readable> {
  const { rawData, longestSide = 512 } = options;
  const files = folders.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  return readableSources(files, options, async (source) => {
    if (mixes) await decodeSource(join(rawData, source), longestSide);
    else await checkHeader(join(rawData, source));
  });
}

/** All that the copies of a source depend on, besides itself. */
function settingsOf(job: Job, folders: ClassFolder[]): string {
  const { seed, longestSide, sources, masks } = job;
  return JSON.stringify({
    seed,
    longestSide,
    masks,
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
  const masks = await masksOf(job, readable);
  const tasks = readable.sources.map((source) => ({ source, copies: [], mask: masks.get(source) }));
  leaveOut(job, readable, (await runTasks({ job, tasks }, { ...options, onProgress: () => {} })).failures);
}

function leaveOut({ rawData }: Job, readable: Readable, failures: Map<string, string>): void {
  readable.sources = readable.sources.filter((source) => !failures.has(source));
  for (const [source, why] of failures)
    readable.unreadable.push({ file: join(rawData, source), reason: why });
}

async function masksOf({ masks }: Job, { sources }: Readable): Promise<Map<string, string>> {
  return masks ? pairMasks(masks, sources) : new Map();
}

/** Makes what is missing; where a source turns out to be unreadable, what is missing then. */
async function makeAll(job: Job, options: AugmentOptions, readable: Readable) {
  const { world, shard } = options;
  let made = 0;
  for (;;) {
    const { classes: folders } = await findPictures(job.rawData);
    const masks = await masksOf(job, readable);
    const all = planAll(job, options, folders, readable.sources);
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

function planAll(
  { rawData, masks }: Job,
  { target }: AugmentOptions,
  folders: ClassFolder[],
  sources: string[],
): ClassPlan[] {
  const readable = new Set(sources);
  return folders.map((folder) => {
    const files = folder.pictures.map((picture) => `${folder.name}/${picture}`);
    const there = new Set(files);
    const has = (source: string, copy: number) =>
      there.has(generatedNameOf(source, copy)) &&
      (masks === undefined || existsSync(join(masks, maskNameOf(source, copy))));
    const own = files.filter((file) => isSource(file) && readable.has(file));
    return planClass(folder, own, { rawData, target }, has);
  });
}

/** Known before any picture is made, so that none is there without its label. */
function softLabelsOf(job: Job, plans: ClassPlan[]): SoftLabels {
  const labels: SoftLabels = {};
  if (job.sources.length === 0) return labels;
  const anySize = { width: 100, height: 100 };
  for (const { name, wanted } of plans) {
    const pipeline = pipelineOf(job, name);
    for (const { source, copies } of wanted) {
      for (const copy of copies) {
        const changes = samplePipeline(pipeline, keyOf(job.seed, source, copy), anySize);
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
  const run = async (task: Copies) => ({ task, failure: (await pool.run(task)) as string | undefined });
  const note = ({ task, failure }: Awaited<ReturnType<typeof run>>) => {
    if (failure !== undefined) failures.set(task.source, failure);
    else count += task.copies.length;
    onProgress?.(count, total);
  };
  const runSome = (some: Copies[]) => Promise.all(some.map(run));
  try {
    if (world) for await (const done of dealOut(world, tasks, { atOnce: tasksAtOnce }, runSome)) note(done);
    else await Promise.all(tasks.map(async (task) => note(await run(task))));
  } finally {
    await pool.destroy();
  }
  return { failures, count };
}

/** Removes every generated picture, and with `masks` every generated mask, and nothing else. @returns how many pictures. */
export async function cleanAugmented(rawData: string, masks?: string): Promise<number> {
  const { classes } = await findPictures(rawData);
  const generated = classes.flatMap(({ name, pictures }) =>
    pictures.filter((picture) => !isSource(picture)).map((picture) => join(rawData, name, picture)),
  );
  const generatedMasks = masks ? (await findGeneratedMasks(masks)).map((mask) => join(masks, mask)) : [];
  for (const file of [...generated, ...generatedMasks]) await rm(file, { force: true });
  await rm(join(rawData, settingsName), { force: true });
  await writeSoftLabels(rawData, {});
  return generated.length;
}

import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { dealOut, type World } from '../cluster/index.ts';
import { reason, UserError } from '../errors.ts';
import { findPictures, type Skipped } from '../images/find.ts';
import { Cache } from './cache.ts';
import {
  type ClassCount,
  countClasses,
  findFaults,
  findImbalance,
  findLookalikes,
  findSmallClasses,
  flagGenerated,
  type LabelledPictures,
  type Lookalikes,
  type Pictures,
} from './findings.ts';
import { inspect, type Stamp, stampOf } from './inspect.ts';
import type { Inspection } from './inspection.ts';
import { Inspections } from './inspections.ts';
import { type Finding, kindNames } from './kinds.ts';

/** Options of {@link checkAll}. */
export interface CheckOptions {
  /** Folder with a subfolder of pictures per class. */
  rawData: string;
  /** Pixels that pictures are resized to; a picture with less than half of them is tiny. */
  width: number;
  height: number;
  /** Pictures in flight; 0: four per core. */
  workers: number;
  /** 'on': the same picture in the folders of several classes shows all of them, and is no finding. */
  multiLabel?: 'off' | 'on';
  /** Called after each batch of pictures. */
  onProgress?: (done: number, total: number) => void;
  /** Called with messages for the user. */
  onNotice?: (text: string) => void;
  /** Aborting it stops the check, which throws; the results so far are kept for the next check. */
  signal?: AbortSignal;
  /** Also finds pictures that may be in the wrong class, from the ones that can be read. */
  findLabels?: ((pictures: LabelledPictures) => Promise<Finding[]>) | undefined;
  /** Ranks that share the work: this one must be rank 0, the others call {@link helpCheck}. */
  world?: World | undefined;
}

/** The result of {@link checkAll}. */
export interface CheckReport {
  rawData: string;
  /** Number of pictures. */
  pictures: number;
  classes: ClassCount[];
  findings: Finding[];
  /** Groups of pictures that are or look the same; the split never separates a group into training and validation. */
  together: { groups: number; pictures: number };
}

/** Largest batch for a thread: sending a message costs as much as inspecting a small picture. */
const maxBatch = 32;

/** Hidden, so that it is not mistaken for a picture. */
const cacheName = '.checked.jsonl';

/**
 * Finds unreadable, damaged, tiny, empty and duplicate pictures in `rawData/<class>/`, and classes that are too small or
 * unequal. It writes nothing but a file with its results, so that the next check reads only what changed.
 * @throws {UserError} where there are no classes.
 * @example
 * ```ts
 * import { checkAll } from 'bat-sup';
 *
 * const report = await checkAll({ rawData: 'rawdata', width: 100, height: 100, workers: 0 });
 * console.log(report.pictures);
 * for (const { kind, files, why } of report.findings) console.log(kind, files, why);
 * ```
 */
export async function checkAll(options: CheckOptions): Promise<CheckReport> {
  const { rawData, width, height } = options;
  const { pictures, skipped } = await listPictures(rawData);
  await inspectAll(pictures, options);
  const generated = await flagGenerated(rawData, pictures);
  const counts = countClasses(pictures, generated);
  const { findings: alike, groups, picturesInGroups, ...lookalikes } = findLookalikes(pictures, generated);
  const findings = alike.filter(({ kind }) => options.multiLabel !== 'on' || kind !== 'ambiguous');
  const ofLabels = await options.findLabels?.(labelledPictures(rawData, pictures, lookalikes));
  for (const { path, reason } of skipped) findings.push({ kind: 'folder', files: [path], why: reason });
  findings.push(...findSmallClasses(counts), ...findImbalance(counts));
  for (const fault of findFaults(pictures, { width: width / 2, height: height / 2 })) findings.push(fault);
  findings.sort(byKindAndFile);
  // The least likely label first.
  if (ofLabels) findings.push(...ofLabels);
  return {
    rawData,
    pictures: pictures.paths.length,
    classes: counts,
    findings,
    together: { groups, pictures: picturesInGroups },
  };
}

function labelledPictures(
  rawData: string,
  { paths, labels, classes }: Pictures,
  { compared, alike }: Pick<Lookalikes, 'compared' | 'alike'>,
): LabelledPictures {
  return {
    rawData,
    paths: compared.map((index) => paths[index] as string),
    labels: compared.map((index) => labels[index] as number),
    groups: compared.map((index) => alike.find(index)),
    classes,
  };
}

function byKindAndFile(a: Finding, b: Finding): number {
  if (a.kind !== b.kind) return kindNames.indexOf(a.kind) - kindNames.indexOf(b.kind);
  return (a.files[0] ?? '') < (b.files[0] ?? '') ? -1 : 1;
}

async function listPictures(rawData: string): Promise<{ pictures: Pictures; skipped: Skipped[] }> {
  const { classes, skipped } = await findPictures(rawData);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const labels = new Uint32Array(paths.length);
  let start = 0;
  for (const [label, { pictures }] of classes.entries()) {
    labels.fill(label, start, start + pictures.length);
    start += pictures.length;
  }
  const known = new Inspections(paths.length);
  return { pictures: { paths, labels, classes: classes.map(({ name }) => name), known }, skipped };
}

/** A picture, with its size and time of change at the last check. */
interface Candidate extends Stamp {
  index: number;
  file: string;
}

/** A new result for a picture. */
interface News {
  index: number;
  stamp: Stamp;
  result: Inspection | string;
}

async function inspectAll({ paths, known }: Pictures, options: CheckOptions): Promise<void> {
  const { rawData, workers, onProgress, onNotice, signal, world } = options;
  const cache = new Cache(join(rawData, cacheName), paths, known);
  await cache.open().catch((error) => {
    onNotice?.(
      `The next check starts from scratch: ${join(rawData, cacheName)} cannot be written (${reason(error)}).`,
    );
  });
  const batchSize = Math.min(maxBatch, Math.ceil(paths.length / 128));
  const starts = Array.from({ length: Math.ceil(paths.length / batchSize) }, (_, batch) => batch * batchSize);
  const candidatesFrom = (start: number): Candidate[] =>
    paths.slice(start, start + batchSize).map((path, offset) => {
      const index = start + offset;
      const [size, modified] = [known.size[index] as number, known.modified[index] as number];
      return { index, file: join(rawData, path), size, modified };
    });
  let done = 0;
  const record = (news: News[]) => {
    for (const { index, stamp, result } of news) {
      known.set(index, stamp, result);
      if (stamp.size !== unknownSize) cache.add(index);
    }
    done = Math.min(done + batchSize, paths.length);
    onProgress?.(done, paths.length);
  };
  try {
    if (world) {
      for await (const news of inspectOnRanks(world, starts.map(candidatesFrom), options)) record(news);
    } else {
      await mapConcurrently(starts, workers, async (start) => {
        if (!signal?.aborted) record(await inspectSome(candidatesFrom(start)));
      });
    }
  } finally {
    await cache.close();
  }
  signal?.throwIfAborted();
  if (done < paths.length)
    throw new UserError('Another rank was stopped; run "bat-sup check" again to continue.');
}

/** Batches that a rank of a cluster gets at a time; after that their results are stored. */
const batchesAtOnce = 16;

/**
 * Inspects pictures on all ranks.
 * @param batches the pictures, on rank 0; the other ranks pass [].
 * @returns on rank 0 the new results of each batch, until a rank is stopped.
 */
async function* inspectOnRanks(
  world: World,
  batches: Candidate[][],
  { workers, signal }: Pick<CheckOptions, 'workers' | 'signal'>,
): AsyncGenerator<News[]> {
  const dealing = { atOnce: batchesAtOnce, signal };
  const results = dealOut(world, await world.share(batches), dealing, (some) =>
    mapConcurrently(some, workers, async (batch) => (signal?.aborted ? undefined : inspectSome(batch))),
  );
  for await (const news of results) if (news) yield news;
}

/** Called by the other ranks while rank 0 calls {@link checkAll}. */
export async function helpCheck(
  world: World,
  options: Pick<CheckOptions, 'workers' | 'signal'>,
): Promise<void> {
  for await (const _ of inspectOnRanks(world, [], options));
}

/** Size of what has no stamp, and so is not stored. */
const unknownSize = -1;

/** Inspects those of the pictures that changed. */
async function inspectSome(candidates: Candidate[]): Promise<News[]> {
  const news: News[] = [];
  const stale: { index: number; file: string; stamp: Stamp }[] = [];
  for (const { index, file, size, modified } of candidates) {
    try {
      const stamp = await stampOf(file);
      if (stamp.size !== size || stamp.modified !== modified) stale.push({ index, file, stamp });
    } catch (error) {
      news.push({ index, stamp: { size: unknownSize, modified: 0 }, result: reason(error) });
    }
  }
  if (stale.length === 0) return news;
  const results = await inspect(stale.map(({ file }) => file));
  for (const [position, { index, stamp }] of stale.entries())
    news.push({ index, stamp, result: results[position] as Inspection | string });
  return news;
}

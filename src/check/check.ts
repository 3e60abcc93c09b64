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
  type Pictures,
} from './findings.ts';
import { inspect, type Stamp, stampOf } from './inspect.ts';
import type { Inspection } from './inspection.ts';
import { Inspections } from './inspections.ts';
import { type Finding, kindNames } from './kinds.ts';

export interface CheckOptions {
  rawData: string;
  /** Pixels that pictures are resized to; less than half of it is tiny. */
  width: number;
  height: number;
  /** Pictures in flight; 0: four for each core. */
  workers: number;
  onProgress?: (done: number, total: number) => void;
  onNotice?: (text: string) => void;
  /** Once aborted, the check stops and throws; what it found out is kept for the next one. */
  signal?: AbortSignal;
  /** Ranks that inspect pictures together; this one must be rank 0, the others {@link helpCheck}. */
  world?: World | undefined;
}

export interface CheckReport {
  rawData: string;
  pictures: number;
  classes: ClassCount[];
  findings: Finding[];
  /** Pictures that look the same, or are: the split never parts them between training and validation. */
  together: { groups: number; pictures: number };
}

/** Pictures that a thread is given at once: messages cost as much as a small picture. */
const mostAtOnce = 32;

/** Hidden, so that it is never taken for a picture. */
const cacheName = '.checked.jsonl';

/**
 * Finds what is wrong with rawdata/<class>/ before it costs a training. Changes nothing but a file of what it found
 * out, so that a second check only reads what changed.
 * @throws {UserError} where there are no classes.
 */
export async function checkAll(options: CheckOptions): Promise<CheckReport> {
  const { rawData, width, height } = options;
  const { pictures, skipped } = await listPictures(rawData);
  await inspectAll(pictures, options);
  const generated = await flagGenerated(rawData, pictures);
  const counts = countClasses(pictures, generated);
  const { findings, groups, picturesInGroups } = findLookalikes(pictures, generated);
  for (const { path, reason } of skipped) findings.push({ kind: 'folder', files: [path], why: reason });
  findings.push(...findSmallClasses(counts), ...findImbalance(counts));
  for (const fault of findFaults(pictures, { width: width / 2, height: height / 2 })) findings.push(fault);
  findings.sort(byKindAndFile);
  return {
    rawData,
    pictures: pictures.paths.length,
    classes: counts,
    findings,
    together: { groups, pictures: picturesInGroups },
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

/** A picture to look at, with what is known of it. */
interface Candidate extends Stamp {
  index: number;
  file: string;
}

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
      `The next check starts anew: ${join(rawData, cacheName)} cannot be written (${reason(error)}).`,
    );
  });
  const atOnce = Math.min(mostAtOnce, Math.ceil(paths.length / 128));
  const starts = Array.from({ length: Math.ceil(paths.length / atOnce) }, (_, batch) => batch * atOnce);
  const candidatesFrom = (start: number): Candidate[] =>
    paths.slice(start, start + atOnce).map((path, place) => {
      const index = start + place;
      const [size, modified] = [known.size[index] as number, known.modified[index] as number];
      return { index, file: join(rawData, path), size, modified };
    });
  let done = 0;
  const book = (news: News[]) => {
    for (const { index, stamp, result } of news) {
      known.set(index, stamp, result);
      if (stamp.size !== unknownSize) cache.add(index);
    }
    done = Math.min(done + atOnce, paths.length);
    onProgress?.(done, paths.length);
  };
  try {
    if (world) {
      for await (const news of inspectOnRanks(world, starts.map(candidatesFrom), options)) book(news);
    } else {
      await mapConcurrently(starts, workers, async (start) => {
        if (!signal?.aborted) book(await inspectSome(candidatesFrom(start)));
      });
    }
  } finally {
    await cache.close();
  }
  signal?.throwIfAborted();
  if (done < paths.length) throw new UserError('Another rank was stopped; "bat-sup check" goes on.');
}

/** Batches for a rank of a cluster until their results are remembered. */
const batchesAtOnce = 16;

/**
 * Inspects pictures on all ranks.
 * @param batches rank 0's.
 * @returns on rank 0 what is new of each batch, as far as none of the ranks is stopped.
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

/** What the other ranks do while rank 0 checks. */
export async function helpCheck(
  world: World,
  options: Pick<CheckOptions, 'workers' | 'signal'>,
): Promise<void> {
  for await (const _ of inspectOnRanks(world, [], options));
}

/** Of what could not be recognised another time. */
const unknownSize = -1;

/** Inspects pictures that changed, one after the other. */
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
  for (const [place, { index, stamp }] of stale.entries())
    news.push({ index, stamp, result: results[place] as Inspection | string });
  return news;
}

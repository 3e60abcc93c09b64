import { join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { Cache } from './cache.ts';
import {
  type ClassCount,
  countClasses,
  findFaults,
  findGenerated,
  findImbalance,
  findLookalikes,
  type Pictures,
} from './findings.ts';
import { findUnreadableFolders } from './folders.ts';
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
  const pictures = await listPictures(rawData);
  await inspectAll(pictures, options);
  options.signal?.throwIfAborted();
  const generated = findGenerated(pictures);
  const counts = countClasses(pictures, generated);
  const { findings, groups, picturesInGroups } = findLookalikes(pictures, generated);
  const folders = [];
  for (const name of pictures.classes) folders.push(...(await findUnreadableFolders(rawData, name)));
  findings.push(...folders, ...findImbalance(counts));
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

async function listPictures(rawData: string): Promise<Pictures> {
  const { classes } = await findPictures(rawData);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const labels = new Uint32Array(paths.length);
  let start = 0;
  for (const [label, { pictures }] of classes.entries()) {
    labels.fill(label, start, start + pictures.length);
    start += pictures.length;
  }
  const known = new Inspections(paths.length);
  return { paths, labels, classes: classes.map(({ name }) => name), known };
}

async function inspectAll(pictures: Pictures, options: CheckOptions): Promise<void> {
  const { paths, known } = pictures;
  const { rawData, workers, onProgress, onNotice, signal } = options;
  const cache = new Cache(join(rawData, cacheName), paths, known);
  await cache.open().catch((error) => {
    onNotice?.(
      `The next check starts anew: ${join(rawData, cacheName)} cannot be written (${reason(error)}).`,
    );
  });
  const atOnce = Math.min(mostAtOnce, Math.ceil(paths.length / 128));
  const starts = Array.from({ length: Math.ceil(paths.length / atOnce) }, (_, batch) => batch * atOnce);
  let done = 0;
  try {
    await mapConcurrently(starts, workers, async (start) => {
      if (signal?.aborted) return;
      const end = Math.min(start + atOnce, paths.length);
      await inspectSome(pictures, { start, end }, rawData, cache);
      done += end - start;
      onProgress?.(done, paths.length);
    });
  } finally {
    await cache.close();
  }
}

/** Inspects pictures that changed, one after the other. */
async function inspectSome(
  { paths, known }: Pictures,
  { start, end }: { start: number; end: number },
  rawData: string,
  cache: Cache,
): Promise<void> {
  const fileOf = (index: number) => join(rawData, paths[index] as string);
  const stale: { index: number; stamp: Stamp }[] = [];
  for (let index = start; index < end; index++) {
    try {
      const stamp = await stampOf(fileOf(index));
      if (!known.isCurrent(index, stamp)) stale.push({ index, stamp });
    } catch (error) {
      // Nothing that could be recognised another time.
      known.set(index, { size: -1, modified: 0 }, reason(error));
    }
  }
  if (stale.length === 0) return;
  const results = await inspect(stale.map(({ index }) => fileOf(index)));
  for (const [place, { index, stamp }] of stale.entries()) {
    known.set(index, stamp, results[place] as Inspection | string);
    cache.add(index);
  }
}

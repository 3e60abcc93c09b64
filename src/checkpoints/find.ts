import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../errors.ts';
import { compareMetrics } from './compare.ts';
import type { Manifest } from './manifest.ts';

export interface Checkpoint {
  folder: string;
  manifest: Manifest;
}

const checkpointName = /^checkpoint-\d{8,}$/;

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '');
  try {
    const manifest = JSON.parse(text);
    return manifest?.format === 'bat-sup checkpoint' && manifest.version === 1 ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** A run's checkpoints with a readable manifest, oldest first. */
export async function listCheckpoints(run: string): Promise<Checkpoint[]> {
  const names = (await foldersIn(run)).filter((name) => checkpointName.test(name));
  const read = names.map(async (name) => {
    const folder = join(run, name);
    return { folder, manifest: await readManifest(folder) };
  });
  const checkpoints = (await Promise.all(read)).filter(
    (one): one is Checkpoint => one.manifest !== undefined,
  );
  return checkpoints.sort((a, b) => a.manifest.position.step - b.manifest.position.step);
}

/** The highest validation accuracy; of equals the lowest validation loss. Undefined without validation. */
export function bestOf(checkpoints: Checkpoint[]): Checkpoint | undefined {
  return checkpoints
    .filter(({ manifest }) => manifest.metrics.validationAccuracy !== undefined)
    .sort((a, b) => compareMetrics(a.manifest.metrics, b.manifest.metrics))[0];
}

/** The next free name: run-001, run-002 ... */
export async function nextRunName(checkpoints: string): Promise<string> {
  const numbers = (await foldersIn(checkpoints)).map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
}

/** The run below a checkpoints folder that saved last. @throws {UserError} where there is none. */
export async function newestRun(checkpoints: string): Promise<string> {
  const runs = await Promise.all(
    (await foldersIn(checkpoints)).map(async (name) => {
      const run = join(checkpoints, name);
      return { run, saved: (await listCheckpoints(run)).at(-1)?.manifest.saved ?? '' };
    }),
  );
  const newest = runs.filter(({ saved }) => saved !== '').sort((a, b) => (a.saved < b.saved ? 1 : -1))[0];
  if (newest) return newest.run;
  throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
}

/**
 * One checkpoint: `place` itself, or the best (without validation: the newest) of the run at `place`,
 * or of the newest run below it.
 * @throws {UserError} where there is none.
 */
export async function findCheckpoint(place: string, which: 'best' | 'newest' = 'best'): Promise<Checkpoint> {
  if (checkpointName.test(basename(place))) {
    const manifest = await readManifest(place);
    if (!manifest)
      throw new UserError(`${place} is no readable checkpoint; choose another with --checkpoint.`);
    return { folder: place, manifest };
  }
  let checkpoints = await listCheckpoints(place);
  if (checkpoints.length === 0) checkpoints = await listCheckpoints(await newestRun(place));
  const newest = checkpoints.at(-1) as Checkpoint;
  return which === 'best' ? (bestOf(checkpoints) ?? newest) : newest;
}

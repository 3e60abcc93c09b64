import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isFolder } from '../system/files.ts';
import { compareMetrics } from './compare.ts';
import { type Manifest, readManifest, whatIsDamaged } from './manifest.ts';

/** A saved network, with the state of its training. */
export interface Checkpoint {
  folder: string;
  manifest: Manifest;
}

/** A checkpoint whose manifest cannot be read. */
export interface DamagedCheckpoint {
  folder: string;
  step: number;
  /** One sentence that names the file. */
  why: string;
}

/**
 * checkpoint-<step>. With .old it is the previous checkpoint of the same step, which counts if training was killed after
 * renaming it and before the new one got its name.
 */
export const checkpointName = /^checkpoint-(\d{8,})(?:\.old)?$/;

/** Whether this is the name of a checkpoint's folder; the disk is not read. */
export function isCheckpoint(folder: string): boolean {
  return checkpointName.test(basename(folder));
}

/** The names of folders, and of links to folders, in a folder; [] where it cannot be read. */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.map(async (entry) => {
    const isLinked = entry.isSymbolicLink() && (await isFolder(join(folder, entry.name)));
    return isLinked || entry.isDirectory() ? [entry.name] : [];
  });
  return (await Promise.all(names)).flat();
}

/** Whether a folder does not exist any more. */
export function isGone(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => false,
    (error) => error.code === 'ENOENT',
  );
}

export interface RunScan {
  run: string;
  /** Oldest first. */
  checkpoints: Checkpoint[];
  /** Oldest first. */
  damaged: DamagedCheckpoint[];
}

/** The checkpoints of a run, and those whose manifest cannot be read. */
export async function scan(run: string): Promise<RunScan> {
  const folders = await foldersIn(run);
  const names = folders.filter(
    (name) => checkpointName.test(name) && !(name.endsWith('.old') && folders.includes(name.slice(0, -4))),
  );
  const checkpoints: Checkpoint[] = [];
  const damaged: DamagedCheckpoint[] = [];
  const read = async (name: string) => {
    const folder = join(run, name);
    try {
      checkpoints.push({ folder, manifest: await readManifest(folder) });
    } catch (error) {
      // A training may be removing it.
      if (!(await isGone(folder)))
        damaged.push({ folder, step: Number(checkpointName.exec(name)?.[1]), why: whatIsDamaged(error) });
    }
  };
  await Promise.all(names.map(read));
  // A training has replaced all of them meanwhile.
  if (names.length > 0 && checkpoints.length + damaged.length === 0) return scan(run);
  checkpoints.sort((a, b) => a.manifest.position.step - b.manifest.position.step);
  damaged.sort((a, b) => a.step - b.step);
  return { run, checkpoints, damaged };
}

/** The checkpoints of a run whose manifest is intact, oldest first. */
export async function listCheckpoints(run: string): Promise<Checkpoint[]> {
  return (await scan(run)).checkpoints;
}

/**
 * Best first, without those that were not validated: the end of the epoch that the training calls its best (after
 * fine-tuning not always the one with the highest accuracy), then see {@link compareMetrics}.
 * @param checkpoints oldest first.
 */
export function byAccuracy(checkpoints: Checkpoint[]): Checkpoint[] {
  const ranked = checkpoints
    .filter(({ manifest }) => Number.isFinite(manifest.metrics.validationAccuracy))
    .sort((a, b) => compareMetrics(a.manifest.metrics, b.manifest.metrics));
  const epoch = checkpoints.at(-1)?.manifest.best?.epoch;
  const best = ranked.find(({ manifest: { position } }) => position.epoch === epoch && position.batch === 0);
  return [...new Set([...(best ? [best] : []), ...ranked])];
}

/** The first of {@link byAccuracy}; undefined if none was validated. */
export function bestOf(checkpoints: Checkpoint[]): Checkpoint | undefined {
  return byAccuracy(checkpoints)[0];
}

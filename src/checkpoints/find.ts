import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
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
const checkpointName = /^checkpoint-(\d{8,})(?:\.old)?$/;

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

function isGone(folder: string): Promise<boolean> {
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

/** Best first, see {@link compareMetrics}; without those that were not validated. */
function byAccuracy(checkpoints: Checkpoint[]): Checkpoint[] {
  return checkpoints
    .filter(({ manifest }) => Number.isFinite(manifest.metrics.validationAccuracy))
    .sort((a, b) => compareMetrics(a.manifest.metrics, b.manifest.metrics));
}

/** The best checkpoint, see {@link compareMetrics}; undefined if none was validated. */
export function bestOf(checkpoints: Checkpoint[]): Checkpoint | undefined {
  return byAccuracy(checkpoints)[0];
}

/** The next free name of a run: run-001, run-002 ... */
export async function nextRunName(checkpoints: string): Promise<string> {
  // All names, not only those of folders: a link to a disk that is not mounted takes a name, too.
  const names = await readdir(checkpoints).catch(() => []);
  const numbers = names.map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
}

/**
 * Whether a run, or any run in a checkpoints folder, has a checkpoint, readable or not. Unfinished ones that a kill left
 * do not count.
 * @throws {UserError} where the folder cannot be read.
 */
export async function hasSaved(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  if (names.some((name) => checkpointName.test(name))) return true;
  const below = await Promise.all(names.map((name) => namesIn(join(folder, name))));
  return below.flat().some((name) => checkpointName.test(name));
}

/** The names in a folder; [] where it does not exist or is a file. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
    throw new UserError(`${folder} cannot be read (${reason(error)}); it may hold checkpoints.`);
  });
}

/** The runs in a checkpoints folder, the one that saved last first. */
async function runsBySaving(checkpoints: string): Promise<(RunScan & { saved: string })[]> {
  const scans = await Promise.all(
    (await foldersIn(checkpoints)).map((name) => scan(join(checkpoints, name))),
  );
  const runs = scans.map((run) => {
    const times = run.checkpoints.map(({ manifest }) => manifest.saved);
    return { ...run, saved: times.sort().at(-1) ?? '' };
  });
  return runs.sort((a, b) => (a.saved < b.saved ? 1 : -1));
}

/**
 * The run in a checkpoints folder that saved last.
 * @param notice called for each run that is skipped because all of its checkpoints are damaged.
 * @throws {UserError} where there is none.
 */
export async function newestRun(
  checkpoints: string,
  notice: (text: string) => void = () => {},
): Promise<string> {
  const runs = await runsBySaving(checkpoints);
  const [newest] = runs;
  if (newest && newest.saved !== '') {
    for (const { run, saved, damaged } of runs)
      if (saved === '' && damaged[0]) notice(`${run} is skipped: ${damaged[0].why}`);
    return newest.run;
  }
  const damaged = runs.flatMap((run) => run.damaged).map(({ why }) => why);
  if (damaged.length > 0)
    throw new UserError(`${checkpoints} holds no intact checkpoint: ${damaged.join('; ')}.`);
  throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
}

/**
 * The run in a checkpoints folder with the highest validation accuracy, if it is better than that of the chosen
 * checkpoint's run.
 * @param chosen the folder of the chosen checkpoint.
 * @returns `accuracy` of the better run and, as `here`, of the chosen one; undefined where none is better.
 */
export async function betterRun(
  checkpoints: string,
  chosen: string,
): Promise<{ name: string; accuracy: number; here: number } | undefined> {
  const names = await foldersIn(checkpoints);
  const hasOthers = names.length > 1 && names.some((name) => join(checkpoints, name) === dirname(chosen));
  if (!hasOthers) return undefined;
  const runs = names.map(async (name) => {
    const best = bestOf(await listCheckpoints(join(checkpoints, name)));
    return { name, accuracy: best?.manifest.metrics.validationAccuracy ?? Number.NEGATIVE_INFINITY };
  });
  const byAccuracy = (await Promise.all(runs)).sort((a, b) => b.accuracy - a.accuracy);
  const [best] = byAccuracy;
  const here = byAccuracy.find(({ name }) => join(checkpoints, name) === dirname(chosen))?.accuracy;
  if (!best || here === undefined || !Number.isFinite(here) || best.accuracy <= here) return undefined;
  return { ...best, here };
}

/** The run `path`, or the newest one in the checkpoints folder `path`. */
async function scanAt(path: string, notice: (text: string) => void): Promise<RunScan> {
  const run = await scan(path);
  if (run.checkpoints.length + run.damaged.length > 0) return run;
  return scan(await newestRun(path, notice));
}

/** The checkpoints of a run in order of preference: with 'best' by accuracy, then all by age, the newest first. */
function byPreference(checkpoints: Checkpoint[], which: 'best' | 'newest'): Checkpoint[] {
  const newestFirst = checkpoints.toReversed();
  return which === 'best' ? [...new Set([...byAccuracy(checkpoints), ...newestFirst])] : newestFirst;
}

/**
 * Finds one checkpoint. Only its manifest is read and checked; {@link verifyCheckpoint} reads all of it.
 * @param path a checkpoint; or a run; or a checkpoints folder, whose newest run is taken.
 * @param which of a run's checkpoints: the one with the highest validation accuracy (the newest where none was
 * validated), or the newest.
 * @throws {UserError} where there is none, or all of them are damaged.
 * @example
 * ```ts
 * import { findCheckpoint } from 'bat-sup';
 *
 * const { folder, manifest } = await findCheckpoint('checkpoints');
 * console.log(folder, manifest.model.classes, manifest.metrics.validationAccuracy);
 * ```
 */
export function findCheckpoint(path: string, which: 'best' | 'newest' = 'best'): Promise<Checkpoint> {
  return findFirst(
    path,
    which,
    async (checkpoint) => checkpoint,
    () => {},
  );
}

/**
 * Tries the checkpoints of a run in order of preference, the first being that of {@link findCheckpoint}, until `attempt`
 * does not throw a UserError. If `path` is a checkpoint, only that is tried.
 * @param notice called with what is damaged, and what is used instead.
 * @returns what `attempt` returns.
 * @throws {UserError} where none is left.
 */
export async function findFirst<T>(
  path: string,
  which: 'best' | 'newest',
  attempt: (checkpoint: Checkpoint) => Promise<T>,
  notice: (text: string) => void,
): Promise<T> {
  if (isCheckpoint(path)) return attempt({ folder: path, manifest: await readManifest(path) });
  const { run, checkpoints, damaged } = await scanAt(path, notice);
  const refused: string[] = [];
  for (const checkpoint of byPreference(checkpoints, which)) {
    try {
      const result = await attempt(checkpoint);
      // Any damaged one could have been the best; only newer ones could have been the newest.
      const { step } = checkpoint.manifest.position;
      const missed = damaged.filter((one) => which === 'best' || one.step > step).map(({ why }) => why);
      const unusable = [...missed, ...refused];
      if (unusable.length > 0) notice(`${unusable.join('; ')}. Used instead: ${checkpoint.folder}`);
      return result;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // A training may have removed it and saved others meanwhile.
      if (await isGone(checkpoint.folder)) return findFirst(path, which, attempt, notice);
      refused.push(whatIsDamaged(error));
    }
  }
  const all = [...damaged.map(({ why }) => why), ...refused];
  throw new UserError(`${run} holds no intact checkpoint: ${all.join('; ')}.`);
}

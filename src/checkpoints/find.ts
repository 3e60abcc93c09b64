import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { isFolder } from '../system/files.ts';
import { compareMetrics } from './compare.ts';
import { type Manifest, readManifest, whatIsDamaged } from './manifest.ts';

export interface Checkpoint {
  folder: string;
  manifest: Manifest;
}

/** A checkpoint whose manifest cannot be read. */
export interface DamagedCheckpoint {
  folder: string;
  step: number;
  /** In words, with the file. */
  why: string;
}

/**
 * checkpoint-<step>, or that with .old: the one before of the same step, which counts where a kill came between its
 * renaming and that of the new one.
 */
const checkpointName = /^checkpoint-(\d{8,})(?:\.old)?$/;

export function isCheckpoint(folder: string): boolean {
  return checkpointName.test(basename(folder));
}

/** Names of the folders in a folder, and of links to folders; none where it cannot be read. */
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
  /** Oldest first, as the damaged ones are. */
  checkpoints: Checkpoint[];
  damaged: DamagedCheckpoint[];
}

/** A run's checkpoints, and those whose manifest cannot be read. */
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
      // A training may remove it as it is read.
      if (!(await isGone(folder)))
        damaged.push({ folder, step: Number(checkpointName.exec(name)?.[1]), why: whatIsDamaged(error) });
    }
  };
  await Promise.all(names.map(read));
  // A training has put others in the place of all of them.
  if (names.length > 0 && checkpoints.length + damaged.length === 0) return scan(run);
  checkpoints.sort((a, b) => a.manifest.position.step - b.manifest.position.step);
  damaged.sort((a, b) => a.step - b.step);
  return { run, checkpoints, damaged };
}

/** A run's checkpoints with a manifest that is whole, oldest first. */
export async function listCheckpoints(run: string): Promise<Checkpoint[]> {
  return (await scan(run)).checkpoints;
}

/** The highest validation accuracy first; of equals the lowest validation loss. Those without validation are left out. */
function byAccuracy(checkpoints: Checkpoint[]): Checkpoint[] {
  return checkpoints
    .filter(({ manifest }) => Number.isFinite(manifest.metrics.validationAccuracy))
    .sort((a, b) => compareMetrics(a.manifest.metrics, b.manifest.metrics));
}

/** The highest validation accuracy; of equals the lowest validation loss. Undefined without validation. */
export function bestOf(checkpoints: Checkpoint[]): Checkpoint | undefined {
  return byAccuracy(checkpoints)[0];
}

/** The next free name: run-001, run-002 ... */
export async function nextRunName(checkpoints: string): Promise<string> {
  // Whatever has the name: a link to a disk that is not there has it, too.
  const names = await readdir(checkpoints).catch(() => []);
  const numbers = names.map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
}

/**
 * Whether a run, or one of the runs below a checkpoints folder, has saved a checkpoint, be it readable or not. A
 * checkpoint that a kill left unfinished does not count.
 * @throws {UserError} where that cannot be seen.
 */
export async function hasSaved(place: string): Promise<boolean> {
  const names = await namesIn(place);
  if (names.some((name) => checkpointName.test(name))) return true;
  const below = await Promise.all(names.map((name) => namesIn(join(place, name))));
  return below.flat().some((name) => checkpointName.test(name));
}

/** [] for what is not there, or is a file. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
    throw new UserError(`${folder} cannot be read (${reason(error)}); it may hold checkpoints.`);
  });
}

/** The runs below a checkpoints folder, the one that saved last first. */
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
 * The run below a checkpoints folder that saved last.
 * @param notice told of runs that are passed over because all of their checkpoints are damaged.
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
      if (saved === '' && damaged[0]) notice(`${run} is passed over: ${damaged[0].why}`);
    return newest.run;
  }
  const damaged = runs.flatMap((run) => run.damaged).map(({ why }) => why);
  if (damaged.length > 0)
    throw new UserError(`${checkpoints} holds no whole checkpoint: ${damaged.join('; ')}.`);
  throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
}

/**
 * The run below a checkpoints folder whose best validation accuracy is the highest, where it is higher than that of the
 * run of the checkpoint that was taken; undefined where none is.
 */
export async function betterRun(
  checkpoints: string,
  taken: string,
): Promise<{ name: string; accuracy: number; here: number } | undefined> {
  const names = await foldersIn(checkpoints);
  const hasOthers = names.length > 1 && names.some((name) => join(checkpoints, name) === dirname(taken));
  if (!hasOthers) return undefined;
  const runs = names.map(async (name) => {
    const best = bestOf(await listCheckpoints(join(checkpoints, name)));
    return { name, accuracy: best?.manifest.metrics.validationAccuracy ?? Number.NEGATIVE_INFINITY };
  });
  const byAccuracy = (await Promise.all(runs)).sort((a, b) => b.accuracy - a.accuracy);
  const [best] = byAccuracy;
  const here = byAccuracy.find(({ name }) => join(checkpoints, name) === dirname(taken))?.accuracy;
  if (!best || here === undefined || !Number.isFinite(here) || best.accuracy <= here) return undefined;
  return { ...best, here };
}

/** The run at `place`, or the newest one below it. */
async function scanAt(place: string, notice: (text: string) => void): Promise<RunScan> {
  const run = await scan(place);
  if (run.checkpoints.length + run.damaged.length > 0) return run;
  return scan(await newestRun(place, notice));
}

/** A run's checkpoints, the first choice first: the best (without validation: the newest), then the newest ones. */
function choices(checkpoints: Checkpoint[], which: 'best' | 'newest'): Checkpoint[] {
  const newestFirst = checkpoints.toReversed();
  return which === 'best' ? [...new Set([...byAccuracy(checkpoints), ...newestFirst])] : newestFirst;
}

/**
 * One checkpoint: `place` itself, or the best (without validation: the newest) of the run at `place`,
 * or of the newest run below it.
 * @throws {UserError} where there is none.
 */
export function findCheckpoint(place: string, which: 'best' | 'newest' = 'best'): Promise<Checkpoint> {
  return findFirst(
    place,
    which,
    async (checkpoint) => checkpoint,
    () => {},
  );
}

/**
 * What `attempt` makes of the first checkpoint that it does not refuse with a UserError; the first choice is that of
 * findCheckpoint. A checkpoint that is `place` itself is the only choice.
 * @param notice told what is damaged, and what is used in its place.
 * @throws {UserError} where there is none.
 */
export async function findFirst<T>(
  place: string,
  which: 'best' | 'newest',
  attempt: (checkpoint: Checkpoint) => Promise<T>,
  notice: (text: string) => void,
): Promise<T> {
  if (isCheckpoint(place)) return attempt({ folder: place, manifest: await readManifest(place) });
  const { run, checkpoints, damaged } = await scanAt(place, notice);
  const refused: string[] = [];
  for (const checkpoint of choices(checkpoints, which)) {
    try {
      const result = await attempt(checkpoint);
      // Any of the damaged ones could be the best; but what is older than the newest whole one is not missed.
      const { step } = checkpoint.manifest.position;
      const missed = damaged.filter((one) => which === 'best' || one.step > step).map(({ why }) => why);
      const told = [...missed, ...refused];
      if (told.length > 0) notice(`${told.join('; ')}. Used instead: ${checkpoint.folder}`);
      return result;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // A training may have removed it meanwhile, and there are others.
      if (await isGone(checkpoint.folder)) return findFirst(place, which, attempt, notice);
      refused.push(whatIsDamaged(error));
    }
  }
  const all = [...damaged.map(({ why }) => why), ...refused];
  throw new UserError(`${run} holds no whole checkpoint: ${all.join('; ')}.`);
}

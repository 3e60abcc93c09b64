import { UserError } from '../errors.ts';
import { readManifest, whatIsDamaged } from './manifest.ts';
import { newestRun } from './runs.ts';
import { byAccuracy, type Checkpoint, isCheckpoint, isGone, type RunScan, scan } from './scan.ts';

/** The run `path`, or the newest one in the checkpoints folder `path`. */
async function scanAt(path: string, notice: (text: string) => void): Promise<RunScan> {
  const run = await scan(path);
  if (run.checkpoints.length + run.damaged.length > 0) return run;
  return scan(await newestRun(path, notice));
}

/** The checkpoints of a run in order of preference: with 'best' see byAccuracy, then all by age, the newest first. */
function byPreference(checkpoints: Checkpoint[], which: 'best' | 'newest'): Checkpoint[] {
  const newestFirst = checkpoints.toReversed();
  return which === 'best' ? [...new Set([...byAccuracy(checkpoints), ...newestFirst])] : newestFirst;
}

/**
 * Finds one checkpoint. Only its manifest is read and checked; {@link verifyCheckpoint} reads all of it.
 * @param path a checkpoint; or a run; or a checkpoints folder, whose newest run is taken.
 * @param which of a run's checkpoints: that of the best epoch, which usually has the highest validation accuracy (the newest
 * where none was validated), or the newest.
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

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { type Metrics, type Position, parametersOf } from './manifest.ts';
import { bestOf, foldersIn, isCheckpoint, type RunScan, scan } from './scan.ts';

/** A checkpoint as `bat-sup checkpoints` lists it. */
export interface ListedCheckpoint {
  folder: string;
  /** Names of its run's folder and of its own. */
  run: string;
  name: string;
  step: number;
  /** Total size of its files. */
  bytes: number;
  isBest: boolean;
  isNewest: boolean;
  /** Why its manifest cannot be read; null where it can. Only then are the following values known. */
  damage: string | null;
  /** ISO 8601. */
  saved: string | null;
  epoch: Position['epoch'] | null;
  metrics: Metrics;
  /** How many values its weights have, moving averages of batch normalisation included. */
  parameters: number | null;
}

async function listRun({ run, checkpoints, damaged }: RunScan): Promise<ListedCheckpoint[]> {
  const [best, newest] = [bestOf(checkpoints), checkpoints.at(-1)];
  const whole = checkpoints.map((checkpoint): Omit<ListedCheckpoint, 'run' | 'name' | 'bytes'> => {
    const { folder, manifest } = checkpoint;
    return {
      folder,
      step: manifest.position.step,
      isBest: checkpoint === best,
      isNewest: checkpoint === newest,
      damage: null,
      saved: manifest.saved,
      epoch: manifest.position.epoch,
      metrics: manifest.metrics,
      parameters: parametersOf(manifest.files['weights.bin']),
    };
  });
  const unknown = { isBest: false, isNewest: false, saved: null, epoch: null, metrics: {}, parameters: null };
  const unread = damaged.map(({ folder, step, why }) => ({ folder, step, damage: why, ...unknown }));
  const listed = [...whole, ...unread].map(async (one) => ({
    run: basename(run),
    name: basename(one.folder),
    ...one,
    bytes: await bytesBelow(one.folder),
  }));
  return (await Promise.all(listed)).sort((a, b) => a.step - b.step);
}

/**
 * The path that a user means: as it is, or relative to the checkpoints folder, such as the name of a run.
 * @throws {UserError} where neither exists.
 */
export function resolvePath(checkpoints: string, path = checkpoints): string {
  const found = [path, join(checkpoints, path)].find((candidate) => existsSync(candidate));
  if (found) return found.replace(/[\\/]+$/, '');
  if (path === checkpoints)
    throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
  throw new UserError(`There is no "${path}", here or in ${checkpoints}; "bat-sup checkpoints" lists all.`);
}

/** The run of a checkpoint, the run itself, or all runs in a checkpoints folder. */
export async function runsAt(path: string): Promise<string[]> {
  if (isCheckpoint(path)) return [dirname(path)];
  const names = await foldersIn(path);
  return names.some(isCheckpoint) ? [path] : names.sort().map((name) => join(path, name));
}

/**
 * Lists checkpoints, damaged ones included. Those of a run are sorted by step, the oldest first.
 * @param path a checkpoint; a run; or a checkpoints folder, for those of all runs in it.
 * @throws {UserError} where there are none.
 * @example
 * ```ts
 * import { surveyCheckpoints } from 'bat-sup';
 *
 * for (const { run, name, isBest, metrics } of await surveyCheckpoints('checkpoints'))
 *   console.log(run, name, isBest ? 'best' : '', metrics.validationAccuracy);
 * ```
 */
export async function surveyCheckpoints(path: string): Promise<ListedCheckpoint[]> {
  const runs = await Promise.all((await runsAt(path)).map(async (run) => listRun(await scan(run))));
  const listed = runs.flat().filter(({ folder }) => !isCheckpoint(path) || folder === path);
  if (listed.length > 0) return listed;
  throw new UserError(`${path} holds no checkpoint; run "bat-sup train" first.`);
}

import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { lockRun } from './lock.ts';
import { listLeftovers, redundant, removeCheckpoint } from './save.ts';
import { bestOf, type Checkpoint, isCheckpoint, listCheckpoints } from './scan.ts';
import { runsAt } from './survey.ts';

/** The arguments of {@link pruneCheckpoints}. */
export interface PruneOptions {
  /** How many of a run's newest checkpoints to keep, at least 1; its best is always kept as well. */
  keep: number;
  /** Removes a checkpoint even if it is the best or the newest of its run. */
  force: boolean;
  /** Removes nothing and returns what would be removed. */
  dryRun: boolean;
}

/** What {@link pruneCheckpoints} returns. */
export interface Pruned {
  /** Checkpoints, and leftovers of killed trainings. */
  removed: { folder: string; bytes: number }[];
  /** How many checkpoints remain in these runs. */
  kept: number;
}

/** @throws {UserError} where the checkpoint is the best or the newest of its run. */
function refuseIfNeeded(folder: string, checkpoints: Checkpoint[]): void {
  const is = (one: Checkpoint | undefined) => one !== undefined && basename(one.folder) === basename(folder);
  const roles = [...(is(bestOf(checkpoints)) ? ['best'] : []), ...(is(checkpoints.at(-1)) ? ['newest'] : [])];
  if (roles.length === 0) return;
  throw new UserError(`${folder} is the ${roles.join(' and the ')} of its run; --force removes it anyway.`);
}

async function pruneRun(
  run: string,
  choose: (all: Checkpoint[]) => string[],
  dryRun: boolean,
): Promise<Pruned> {
  const unlock = await lockRun(run);
  try {
    const checkpoints = await listCheckpoints(run);
    const chosen = choose(checkpoints);
    const leftovers = (await listLeftovers(run)).map((name) => join(run, name));
    const removed: Pruned['removed'] = [];
    for (const folder of [...chosen, ...leftovers]) {
      removed.push({ folder, bytes: await bytesBelow(folder) });
      if (dryRun) continue;
      if (chosen.includes(folder)) await removeCheckpoint(folder);
      else await rm(folder, { recursive: true, force: true });
    }
    return { removed, kept: checkpoints.filter(({ folder }) => !chosen.includes(folder)).length };
  } finally {
    await unlock();
  }
}

/**
 * Removes checkpoints that are neither the best nor among the newest of their run, and leftovers of killed trainings.
 * @param path a checkpoint, which is then removed itself; a run; or a checkpoints folder.
 * @throws {UserError} where the checkpoint is the best or the newest of its run, or where the run is being trained.
 * @example
 * ```ts
 * import { pruneCheckpoints } from 'bat-sup';
 *
 * const { removed, kept } = await pruneCheckpoints('checkpoints', { keep: 1, force: false, dryRun: true });
 * console.log(`${removed.length} of ${removed.length + kept} would be removed`);
 * ```
 */
export async function pruneCheckpoints(path: string, { keep, force, dryRun }: PruneOptions): Promise<Pruned> {
  if (isCheckpoint(path)) {
    const choose = (all: Checkpoint[]) => {
      if (!force) refuseIfNeeded(path, all);
      return [path];
    };
    return pruneRun(dirname(path), choose, dryRun);
  }
  const all: Pruned = { removed: [], kept: 0 };
  for (const run of await runsAt(path)) {
    if ((await listCheckpoints(run)).length + (await listLeftovers(run)).length === 0) continue;
    const choose = (found: Checkpoint[]) => redundant(found, keep).map(({ folder }) => folder);
    const { removed, kept } = await pruneRun(run, choose, dryRun);
    all.removed.push(...removed);
    all.kept += kept;
  }
  return all;
}

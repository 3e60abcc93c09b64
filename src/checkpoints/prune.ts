import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { bestOf, type Checkpoint, isCheckpoint, listCheckpoints } from './find.ts';
import { lockRun } from './lock.ts';
import { listRests, removeCheckpoint, superfluous } from './save.ts';
import { runsAt } from './survey.ts';

export interface PruneOptions {
  /** Newest checkpoints of a run to keep; its best is kept besides. */
  keep: number;
  /** Lets a checkpoint that is named be removed though it is the best or the newest of its run. */
  force: boolean;
  /** Removes nothing, and tells what it would. */
  dryRun: boolean;
}

export interface Pruned {
  /** What was removed, rests of killed trainings included. */
  removed: { folder: string; bytes: number }[];
  /** Checkpoints that stay, of the runs concerned. */
  kept: number;
}

/** @throws {UserError} where it is one that its run cannot do without. */
function refuseIfNeeded(folder: string, checkpoints: Checkpoint[]): void {
  const is = (one: Checkpoint | undefined) => one !== undefined && basename(one.folder) === basename(folder);
  const roles = [...(is(bestOf(checkpoints)) ? ['best'] : []), ...(is(checkpoints.at(-1)) ? ['newest'] : [])];
  if (roles.length === 0) return;
  throw new UserError(
    `${folder} is the ${roles.join(' and the ')} of its run; --force removes it all the same.`,
  );
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
    const rests = (await listRests(run)).map((name) => join(run, name));
    const removed: Pruned['removed'] = [];
    for (const folder of [...chosen, ...rests]) {
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
 * Removes what is not needed: of a run all checkpoints but the newest and the best, or a checkpoint that is named;
 * and what killed trainings left.
 * @param place a checkpoint, a run, or a folder of runs.
 * @throws {UserError} where a checkpoint is the best or the newest of its run, or the run is being trained.
 */
export async function pruneCheckpoints(
  place: string,
  { keep, force, dryRun }: PruneOptions,
): Promise<Pruned> {
  if (isCheckpoint(place)) {
    const choose = (all: Checkpoint[]) => {
      if (!force) refuseIfNeeded(place, all);
      return [place];
    };
    return pruneRun(dirname(place), choose, dryRun);
  }
  const all: Pruned = { removed: [], kept: 0 };
  for (const run of await runsAt(place)) {
    if ((await listCheckpoints(run)).length + (await listRests(run)).length === 0) continue;
    const choose = (found: Checkpoint[]) => superfluous(found, keep).map(({ folder }) => folder);
    const { removed, kept } = await pruneRun(run, choose, dryRun);
    all.removed.push(...removed);
    all.kept += kept;
  }
  return all;
}

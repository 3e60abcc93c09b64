import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { bestOf, foldersIn, isCheckpoint, type RunScan, scan } from './find.ts';
import { type Metrics, type Position, parametersOf } from './manifest.ts';

/** A checkpoint as `bat-sup checkpoints` lists it. */
export interface ListedCheckpoint {
  folder: string;
  /** Name of its run. */
  run: string;
  name: string;
  step: number;
  /** Of all its files. */
  bytes: number;
  isBest: boolean;
  isNewest: boolean;
  /** Why its manifest cannot be read; null where it can, and only then the rest is known. */
  damage: string | null;
  /** ISO 8601. */
  saved: string | null;
  epoch: Position['epoch'] | null;
  metrics: Metrics;
  /** Numbers in its weights. */
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
 * What a user means by a place: a path, or one below the checkpoints folder, such as the name of a run.
 * @throws {UserError} where there is neither.
 */
export function placeOf(checkpoints: string, place = checkpoints): string {
  const found = [place, join(checkpoints, place)].find((candidate) => existsSync(candidate));
  if (found) return found.replace(/[\\/]+$/, '');
  if (place === checkpoints)
    throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
  throw new UserError(
    `There is no "${place}", here or in ${checkpoints}; "bat-sup checkpoints" lists what there is.`,
  );
}

/** The runs at a place: that of a checkpoint, the run itself, or those below. */
export async function runsAt(place: string): Promise<string[]> {
  if (isCheckpoint(place)) return [dirname(place)];
  const names = await foldersIn(place);
  return names.some(isCheckpoint) ? [place] : names.sort().map((name) => join(place, name));
}

/**
 * The checkpoints at a place: itself, those of the run, or those of all runs below; a run's are oldest first.
 * @throws {UserError} where there are none.
 */
export async function surveyCheckpoints(place: string): Promise<ListedCheckpoint[]> {
  const runs = await Promise.all((await runsAt(place)).map(async (run) => listRun(await scan(run))));
  const listed = runs.flat().filter(({ folder }) => !isCheckpoint(place) || folder === place);
  if (listed.length > 0) return listed;
  throw new UserError(`${place} holds no checkpoint; run "bat-sup train" first.`);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { betterRun } from '../checkpoints/index.ts';
import { figure } from '../format.ts';
import { printable } from '../printable.ts';
import { notice } from './notice.ts';

/** Where to look for a checkpoint: what --checkpoint names, a path or a run by its name; else the newest run. */
export function checkpointPlace(named: string | undefined, checkpoints: string): string {
  if (named === undefined) return checkpoints;
  const run = join(checkpoints, named);
  return !existsSync(named) && existsSync(run) ? run : named;
}

/** Says on stderr which checkpoint answers, and which run was better where the newest one was taken. */
export async function announceCheckpoint(folder: string, place: string): Promise<void> {
  console.error(`Checkpoint: ${printable(folder)}`);
  const better = await betterRun(place, folder);
  if (!better) return;
  const { name, accuracy, here } = better;
  notice(`${name} was better on its validation, ${figure(accuracy)} against ${figure(here)};
  --checkpoint ${name} takes it.`);
}

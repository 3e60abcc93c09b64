import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { betterRun } from '../checkpoints/index.ts';
import { figure } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { quoteForShell } from '../text/quote.ts';
import { notice } from './notice.ts';

/** Where to look for a checkpoint: what --checkpoint names, a path or a run by its name; else the newest run. */
export function checkpointPlace(named: string | undefined, checkpoints: string): string {
  if (named === undefined) return checkpoints;
  const run = join(checkpoints, named);
  return !existsSync(named) && existsSync(run) ? run : named;
}

/** Says on stderr which checkpoint answers. */
export function announceCheckpoint(folder: string): void {
  console.error(`Checkpoint: ${printable(folder)}`);
}

/** Says on stderr which run was better than that of the checkpoint that answers, where the newest one was taken. */
export async function adviseBetterRun(
  folder: string,
  named: string | undefined,
  checkpoints: string,
): Promise<void> {
  const place = checkpointPlace(named, checkpoints);
  const better = await betterRun(place, folder);
  if (!better) return;
  const { name, accuracy, here } = better;
  const flag = quoteForShell(named === undefined ? name : join(place, name));
  notice(`${printable(name)} was better on its validation, ${figure(accuracy)} against ${figure(here)};
  --checkpoint ${flag} takes it.`);
}

import { join } from 'node:path';
import type { Command } from 'commander';
import { betterRun, pathOrRun } from '../checkpoints/index.ts';
import { figure } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { quoteForShell } from '../text/quote.ts';
import { notice } from './notice.ts';

export interface CheckpointFlags {
  checkpoint?: string;
  newest?: boolean;
}

/** Adds the flags that choose a checkpoint. */
export function checkpointOptions(command: Command): Command {
  return command
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best');
}

/** Which checkpoint of a run the flags choose. */
export function whichOf({ newest }: CheckpointFlags): 'best' | 'newest' {
  return newest ? 'newest' : 'best';
}

/** Where to look for a checkpoint: the path or the run that --checkpoint names, or else all runs. */
export function checkpointPlace(named: string | undefined, checkpoints: string): string {
  return named === undefined ? checkpoints : pathOrRun(named, checkpoints);
}

/** Prints on stderr which checkpoint is used. */
export function announceCheckpoint(folder: string): void {
  console.error(`Checkpoint: ${printable(folder)}`);
}

/** Where the newest run was taken by default: prints on stderr which other run validated better. */
export async function adviseBetterRun(
  folder: string,
  named: string | undefined,
  checkpoints: string,
): Promise<void> {
  const place = checkpointPlace(named, checkpoints);
  const better = await betterRun(place, folder);
  if (!better) return;
  const { name, accuracy, here, isMultiLabel } = better;
  const measure = isMultiLabel ? 'mean average precision' : 'validation accuracy';
  const flag = quoteForShell(named === undefined ? name : join(place, name));
  notice(
    `${printable(name)} has a better ${measure}, ${figure(accuracy)} against ${figure(here)};\n` +
      `  use it with --checkpoint ${flag}`,
  );
}

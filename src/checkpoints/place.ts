import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What a name stands for: the path, or else the run of that name in the checkpoints folder. */
export function pathOrRun(named: string, checkpoints: string): string {
  const run = join(checkpoints, named);
  return !existsSync(named) && existsSync(run) ? run : named;
}

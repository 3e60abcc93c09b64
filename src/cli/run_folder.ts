import { join } from 'node:path';
import { nextRunName } from '../checkpoints/index.ts';
import { wrongValue } from '../text/wrong_value.ts';

/** The folder of the run that --run names, or of the next free name. @throws {UsageError} for a name that is a path. */
export async function runFolder(checkpoints: string, run: string | undefined): Promise<string> {
  if (run === undefined) return join(checkpoints, await nextRunName(checkpoints));
  if (/^[\w][\w.-]*$/.test(run)) return join(checkpoints, run);
  throw wrongValue('--run', 'a name of letters, digits, "-", "_" and "."', run);
}

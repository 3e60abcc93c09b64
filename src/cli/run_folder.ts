import { join } from 'node:path';
import { nextRunName } from '../checkpoints/index.ts';
import { UsageError } from '../errors.ts';

/** The folder of the run that --run names, or of the next free name. @throws {UsageError} for a name that is a path. */
export async function runFolder(checkpoints: string, run: string | undefined): Promise<string> {
  if (run === undefined) return join(checkpoints, await nextRunName(checkpoints));
  if (/^[\w][\w.-]*$/.test(run)) return join(checkpoints, run);
  throw new UsageError(`--run is "${run}"; allowed are letters, digits, "-", "_" and ".".`);
}

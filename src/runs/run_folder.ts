import { join } from 'node:path';
import { nextRunName } from '../checkpoints/index.ts';
import { wrongValue } from '../text/wrong_value.ts';

/**
 * The folder of the run with this name, or of the next free name: run-001, run-002 ...
 * @throws {UsageError} where the name is a path.
 */
export async function runFolder(checkpoints: string, name: string | undefined): Promise<string> {
  if (name === undefined) return join(checkpoints, await nextRunName(checkpoints));
  if (/^[\w][\w.-]*$/.test(name)) return join(checkpoints, name);
  throw wrongValue('--run', 'a name of letters, digits, "-", "_" and "."', name);
}

import { dirname, join } from 'node:path';
import { readModelFile } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { decodeTfjs } from './decode.ts';

/**
 * @param source path of model.json.
 * @throws {UserError} where it or its weights are damaged, or hold what bat-sup has no layer for.
 */
export async function readTfjs(source: string, hints: ImportHints): Promise<Network> {
  const read = (path: string) => readModelFile(join(dirname(source), path));
  return decodeTfjs(String(await readModelFile(source)), { source, read }, hints);
}

import { dirname, join } from 'node:path';
import { readModelFile } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { decodeTfjs } from './decode.ts';

/**
 * Reads a layers-model from a folder.
 * @param source path of model.json.
 * @throws {UserError} where it or its weights are damaged, or have layers that bat-sup lacks.
 */
export async function readTfjs(source: string, hints: ImportHints): Promise<Network> {
  const read = (path: string) => readModelFile(join(dirname(source), path));
  return decodeTfjs(String(await readModelFile(source)), { source, read }, hints);
}

import { readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder, syncFolder, temporaryName } from '../files.ts';
import type { ExportOptions, Format, Network } from './format.ts';
import { readingRgb } from './rgb.ts';

export interface WrittenFile {
  file: string;
  bytes: number;
}

/**
 * Writes a network in a format: the file or folder is there whole, or not at all.
 * @param target must not be there yet, or be an empty folder.
 * @returns the files written.
 * @throws {UserError} where the target is there, cannot be written, or the format cannot express the network.
 */
export async function exportNetwork(
  network: Network,
  format: Format,
  target: string,
  options: ExportOptions = { weights: 'float32', preprocessing: 'inside' },
): Promise<WrittenFile[]> {
  const place = resolve(target);
  await checkFree(place, target);
  const temporary = temporaryName(place);
  try {
    await makeFolder(dirname(place));
    await rm(temporary, { recursive: true, force: true });
    await format.export?.(format.readsBgr ? network : readingRgb(network), temporary, options);
    await rmdir(place).catch(() => {}); // an empty folder, or none
    await rename(temporary, place);
    await syncFolder(dirname(place));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${target} cannot be written (${reason(error)}); choose another with --output.`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return filesOf(target);
}

async function checkFree(place: string, target: string): Promise<void> {
  const found = await stat(place).catch(() => undefined);
  if (!found || (found.isDirectory() && (await readdir(place)).length === 0)) return;
  throw new UserError(`${target} is there already; remove it, or choose another with --output.`);
}

async function filesOf(target: string): Promise<WrittenFile[]> {
  const found = await stat(target);
  if (found.isFile()) return [{ file: target, bytes: found.size }];
  const names = (await readdir(target)).sort();
  return (await Promise.all(names.map((name) => filesOf(join(target, name))))).flat();
}

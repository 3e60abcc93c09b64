import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder, syncFolder, temporaryName } from '../system/files.ts';
import type { ExportOptions, Format, Network } from './format.ts';
import { toRgb } from './to_rgb.ts';

export interface WrittenFile {
  file: string;
  bytes: number;
}

/**
 * Writes a network in a format: the file or folder is there whole, or not at all.
 * @param target must not be there yet, or be an empty folder; with `overwrite` it may be an earlier export.
 * @returns the files written.
 * @throws {UserError} where the target is there, cannot be written, or the format cannot express the network.
 * @example
 * ```ts
 * import { exportNetwork, findCheckpoint, formats, networkOf, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const network = await networkOf(await findCheckpoint('checkpoints'));
 * const { onnx } = formats;
 * for (const { file, bytes } of await exportNetwork(network, onnx, 'onnx')) console.log(file, bytes);
 * await engine.dispose();
 * ```
 */
export async function exportNetwork(
  network: Network,
  format: Format,
  target: string,
  options: ExportOptions = { weights: 'float32', preprocessing: 'inside' },
  { overwrite = false } = {},
): Promise<WrittenFile[]> {
  const place = resolve(target);
  await checkFree(place, { target, overwrite });
  const temporary = temporaryName(place);
  try {
    await makeFolder(dirname(place));
    await rm(temporary, { recursive: true, force: true });
    await format.export?.(format.readsBgr ? network : toRgb(network), temporary, options);
    await putInPlace(temporary, place, target);
    await syncFolder(dirname(place));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${target} cannot be written (${reason(error)}); choose another with --output.`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return filesOf(target);
}

/** @throws {UserError} where something is there, unless it may be replaced. */
async function checkFree(
  place: string,
  { target, overwrite }: { target: string; overwrite: boolean },
): Promise<void> {
  const found = await stat(place).catch(() => undefined);
  if (!found || (found.isDirectory() && (await readdir(place)).length === 0)) return;
  if (!overwrite)
    throw new UserError(
      `${target} is there already; replace it with --overwrite, or choose another with --output.`,
    );
  if (!found.isFile() && !found.isDirectory())
    throw new UserError(`${target} is not a file or a folder; choose another with --output.`);
}

/** Large weights are cut into more or fewer files, by their size. */
const shard = /^group1-shard\d+of\d+\.bin$/;

/** Puts what was written in the place of an earlier export; of a folder only where it holds nothing else. */
async function putInPlace(temporary: string, place: string, target: string): Promise<void> {
  const found = await stat(place).catch(() => undefined);
  const isFolder = (await stat(temporary)).isDirectory();
  if (found?.isFile() && isFolder) await rm(place);
  if (!found?.isDirectory()) return rename(temporary, place);
  const written = new Set(isFolder ? await readdir(temporary, { recursive: true }) : []);
  const others = (await readdir(place, { recursive: true })).filter(
    (name) => !written.has(name) && !shard.test(name),
  );
  if (others.length > 0)
    throw new UserError(
      `${target} holds ${others[0]}, which is not of this export; remove it, or choose another with --output.`,
    );
  const earlier = `${temporary}-earlier`;
  await rename(place, earlier);
  try {
    await rename(temporary, place);
  } catch (error) {
    await rename(earlier, place);
    throw error;
  }
  await rm(earlier, { recursive: true, force: true });
}

async function filesOf(target: string): Promise<WrittenFile[]> {
  const found = await stat(target);
  if (found.isFile()) return [{ file: target, bytes: found.size }];
  const names = (await readdir(target)).sort();
  return (await Promise.all(names.map((name) => filesOf(join(target, name))))).flat();
}

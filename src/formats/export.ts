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
 * Writes a network in a format. The file or folder is complete or absent, even if the process is killed.
 * @param target must not exist yet, or be an empty folder; with `overwrite` it may be an earlier export.
 * @returns the files written, with their sizes in bytes.
 * @throws {UserError} where the target exists, cannot be written, or the format cannot express the network.
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
  const path = resolve(target);
  await checkFree(path, { target, overwrite });
  const temporary = temporaryName(path);
  try {
    await makeFolder(dirname(path));
    await rm(temporary, { recursive: true, force: true });
    await format.export?.(format.readsBgr ? network : toRgb(network), temporary, options);
    await moveToTarget(temporary, path, target);
    await syncFolder(dirname(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${target} cannot be written (${reason(error)}); choose another path with --output.`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return filesOf(target);
}

/** @throws {UserError} where the path is taken, unless it may be replaced. */
async function checkFree(
  path: string,
  { target, overwrite }: { target: string; overwrite: boolean },
): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found || (found.isDirectory() && (await readdir(path)).length === 0)) return;
  if (!overwrite)
    throw new UserError(
      `${target} already exists; replace it with --overwrite, or choose another path with --output.`,
    );
  if (!found.isFile() && !found.isDirectory())
    throw new UserError(`${target} is not a file or a folder; choose another path with --output.`);
}

/** The number of these files depends on the size of the weights, so an earlier export may have other ones. */
const shard = /^group1-shard\d+of\d+\.bin$/;

/** Moves the new export to its path, replacing an earlier one; a folder only where it holds no other files. */
async function moveToTarget(temporary: string, path: string, target: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const isFolder = (await stat(temporary)).isDirectory();
  if (found?.isFile() && isFolder) await rm(path);
  if (!found?.isDirectory()) return rename(temporary, path);
  const written = new Set(isFolder ? await readdir(temporary, { recursive: true }) : []);
  const others = (await readdir(path, { recursive: true })).filter(
    (name) => !written.has(name) && !shard.test(name),
  );
  if (others.length > 0)
    throw new UserError(
      `${target} holds ${others[0]}, which is not part of this export; remove it, or choose another path with --output.`,
    );
  const earlier = `${temporary}-earlier`;
  await rename(path, earlier);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rename(earlier, path);
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

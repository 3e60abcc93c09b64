import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder, syncFolder, writeDurably } from '../system/files.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { type CheckpointInfo, checksumOf, type Manifest, manifestFile, type TensorFile } from './manifest.ts';
import { bestOf, type Checkpoint, listCheckpoints } from './scan.ts';

async function writeTensors(file: string, tensors: NamedTensor[]): Promise<TensorFile> {
  const parts = tensors.map(
    ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  await writeDurably(file, parts);
  return {
    dtype: 'float32',
    bytes: parts.reduce((sum, part) => sum + part.length, 0),
    sha256: hash.digest('hex'),
    tensors: tensors.map(({ name, shape }) => ({ name, shape })),
  };
}

/** The tensors of weights.bin and optimizer.bin. */
export interface SavedTensors {
  weights: NamedTensor[];
  optimizer: NamedTensor[];
}

/**
 * Writes a checkpoint's files into a folder and syncs them; the caller then gives the folder its final name.
 * @throws {Error} of the file system.
 */
export async function writeCheckpoint(
  folder: string,
  info: CheckpointInfo,
  tensors: SavedTensors,
): Promise<void> {
  await makeFolder(folder);
  const manifest: Manifest = {
    format: 'bat-sup checkpoint',
    version: 2,
    saved: new Date().toISOString(),
    ...info,
    files: {
      'weights.bin': await writeTensors(join(folder, 'weights.bin'), tensors.weights),
      'optimizer.bin': await writeTensors(join(folder, 'optimizer.bin'), tensors.optimizer),
    },
  };
  const signed = { ...manifest, checksum: checksumOf(manifest) };
  await writeDurably(manifestFile(folder), `${JSON.stringify(signed, null, 2)}\n`);
  await syncFolder(folder);
}

/** Renames a folder to its final name. A previous one is called .old meanwhile, so that it is found after a kill. */
async function putInPlace(temporary: string, folder: string): Promise<void> {
  const old = `${folder}.old`;
  if (existsSync(folder)) {
    await rm(old, { recursive: true, force: true });
    await rename(folder, old);
  }
  await rename(temporary, folder);
  await syncFolder(dirname(folder));
  await rm(old, { recursive: true, force: true });
}

/**
 * Saves a checkpoint as <run>/checkpoint-<step>/: completely or not at all, whatever interrupts it.
 * @returns its folder.
 * @throws {UserError} where it cannot be written; older checkpoints are kept.
 */
export async function saveCheckpoint(
  run: string,
  info: CheckpointInfo,
  tensors: SavedTensors,
): Promise<string> {
  const folder = join(run, `checkpoint-${String(info.position.step).padStart(8, '0')}`);
  const temporary = `${folder}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await writeCheckpoint(temporary, info, tensors);
    await putInPlace(temporary, folder);
    await syncFolder(dirname(run));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw new UserError(
      `${folder} cannot be saved (${reason(error)}); free disk space or check the folder's permissions, then --resume.`,
    );
  }
  return folder;
}

/** Removes a checkpoint. A kill leaves either all of it, or nothing that would be taken for a checkpoint. */
export async function removeCheckpoint(folder: string): Promise<void> {
  const doomed = `${folder}.gone`;
  await rm(doomed, { recursive: true, force: true });
  await rename(folder, doomed);
  await rm(doomed, { recursive: true, force: true });
}

/** All checkpoints of a run but the newest `keep` and the best. @param checkpoints oldest first. */
export function redundant(checkpoints: Checkpoint[], keep: number): Checkpoint[] {
  const kept = new Set([...checkpoints.slice(-keep), bestOf(checkpoints)]);
  return checkpoints.filter((checkpoint) => !kept.has(checkpoint));
}

/** Removes all checkpoints of a run but the newest `keep` and the best, and leftovers of interrupted saves. */
export async function removeOldCheckpoints(run: string, keep: number): Promise<void> {
  for (const { folder } of redundant(await listCheckpoints(run), keep)) await removeCheckpoint(folder);
  for (const name of await listLeftovers(run)) await rm(join(run, name), { recursive: true, force: true });
}

/**
 * Names of what interrupted saves and removals left in a run. While it is being trained, these may be in progress.
 */
export async function listLeftovers(run: string): Promise<string[]> {
  const names: string[] = await readdir(run).catch(() => []);
  return names.filter((name) => {
    const replacedBy = /^(checkpoint-\d+)\.old$/.exec(name)?.[1];
    return /^checkpoint-\d+\.(tmp|old\.gone|gone)$/.test(name) || (replacedBy && names.includes(replacedBy));
  });
}

import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { syncFolder, writeDurably } from '../files.ts';
import { bestOf, listCheckpoints } from './find.ts';
import type { CheckpointInfo, Manifest, NamedTensor, TensorFile } from './manifest.ts';

async function writeTensors(file: string, tensors: NamedTensor[]): Promise<TensorFile> {
  const parts = tensors.map(
    ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  await writeDurably(file, parts);
  return {
    bytes: parts.reduce((sum, part) => sum + part.length, 0),
    sha256: hash.digest('hex'),
    tensors: tensors.map(({ name, shape }) => ({ name, shape })),
  };
}

/**
 * Saves a checkpoint as <run>/checkpoint-<step>/: complete or not at all, whatever interrupts it.
 * @returns its folder.
 * @throws {UserError} where it cannot be written; the older checkpoints stay.
 */
export async function saveCheckpoint(
  run: string,
  info: CheckpointInfo,
  tensors: { weights: NamedTensor[]; optimizer: NamedTensor[] },
): Promise<string> {
  const folder = join(run, `checkpoint-${String(info.position.step).padStart(8, '0')}`);
  const temporary = `${folder}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    const manifest: Manifest = {
      format: 'bat-sup checkpoint',
      version: 1,
      saved: new Date().toISOString(),
      ...info,
      files: {
        'weights.bin': await writeTensors(join(temporary, 'weights.bin'), tensors.weights),
        'optimizer.bin': await writeTensors(join(temporary, 'optimizer.bin'), tensors.optimizer),
      },
    };
    await writeDurably(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(temporary);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    await syncFolder(run);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw new UserError(
      `${folder} cannot be saved (${reason(error)}); free space or mend the folder, then --resume.`,
    );
  }
  return folder;
}

/** Removes all but the newest `keep` checkpoints of a run and its best, and what interrupted saves left. */
export async function removeOldCheckpoints(run: string, keep: number): Promise<void> {
  const checkpoints = await listCheckpoints(run);
  const kept = new Set([...checkpoints.slice(-keep), bestOf(checkpoints)]);
  for (const checkpoint of checkpoints) {
    if (!kept.has(checkpoint)) await rm(checkpoint.folder, { recursive: true, force: true });
  }
  for (const name of await readdir(run)) {
    if (/^checkpoint-\d+\.tmp$/.test(name)) await rm(join(run, name), { recursive: true, force: true });
  }
}

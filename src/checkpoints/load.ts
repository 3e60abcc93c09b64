import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { readWithin } from '../system/files.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { Rejection } from '../unknown/rejection.ts';
import { readCalibration, readTemperature } from './calibration.ts';
import { findFirst } from './find.ts';
import {
  bytesPerNumber,
  damaged,
  type FileName,
  fileNames,
  readManifest,
  whatIsDamaged,
} from './manifest.ts';
import type { Checkpoint } from './scan.ts';
import { readThresholds } from './thresholds.ts';
import { readUnknown } from './unknown.ts';

/**
 * The bytes of one of a checkpoint's files.
 * @throws {UserError} where length or checksum differ from the manifest.
 */
async function readWhole({ folder, manifest }: Checkpoint, name: FileName): Promise<Buffer> {
  const file = join(folder, name);
  const { bytes, sha256 } = manifest.files[name];
  try {
    const data = await readWithin(file, { exactly: bytes });
    if (createHash('sha256').update(data).digest('hex') !== sha256) throw new Error('its checksum differs');
    return data;
  } catch (error) {
    throw damaged(file, error);
  }
}

/**
 * The tensors of one of a checkpoint's files, by name.
 * @throws {UserError} where the file is missing, or its length or checksum differs from the manifest.
 */
export async function loadTensors(
  checkpoint: Checkpoint,
  name: FileName,
): Promise<Map<string, Float32Array>> {
  const data = await readWhole(checkpoint, name);
  const values = new Float32Array(data.buffer, data.byteOffset, data.length / bytesPerNumber);
  const loaded = new Map<string, Float32Array>();
  let offset = 0;
  for (const { name: tensor, shape } of checkpoint.manifest.files[name].tensors) {
    const size = sizeOf(shape);
    loaded.set(tensor, values.subarray(offset, offset + size));
    offset += size;
  }
  return loaded;
}

/**
 * Checks that a file has all tensors of a network: one that is missing would silently start from random values.
 * @throws {UserError} naming one that is missing or has another shape.
 */
export function checkTensors(
  { folder, manifest }: Checkpoint,
  name: FileName,
  wanted: { name: string; shape: number[] }[],
): void {
  const stored = new Map(manifest.files[name].tensors.map((tensor) => [tensor.name, tensor.shape]));
  for (const { name: tensor, shape } of wanted) {
    const found = stored.get(tensor);
    if (found?.join() === shape.join()) continue;
    throw new UserError(
      `${join(folder, name)} does not fit the network: ${tensor} is ` +
        `${found ? `[${found}]` : 'missing'}, not [${shape}]; choose another checkpoint.`,
    );
  }
}

/**
 * Reads every byte of a checkpoint and compares it with its checksums.
 * @param folder of the checkpoint.
 * @returns a sentence for each damaged file; [] where the checkpoint is intact.
 * @example
 * ```ts
 * import { findCheckpoint, verifyCheckpoint } from 'bat-sup';
 *
 * const { folder } = await findCheckpoint('checkpoints');
 * const damage = await verifyCheckpoint(folder);
 * console.log(damage.length === 0 ? 'intact' : damage.join('; '));
 * ```
 */
export async function verifyCheckpoint(folder: string): Promise<string[]> {
  const manifest = await readManifest(folder).catch(whatIsDamaged);
  if (typeof manifest === 'string') return [manifest];
  const checkpoint = { folder, manifest };
  const files = fileNames.map((name) => readWhole(checkpoint, name));
  const checks = [...files, readCalibration(folder), readThresholds(checkpoint), readUnknown(checkpoint)];
  const results = await Promise.allSettled(checks);
  return results.flatMap((result) => (result.status === 'rejected' ? [whatIsDamaged(result.reason)] : []));
}

/**
 * As {@link findCheckpoint}, but reads these files of the checkpoint and, where one is damaged, tries the next.
 * @param notice called with what is damaged, and what is used instead.
 * @throws {UserError} where none is left.
 */
export function findIntact(
  path: string,
  which: 'best' | 'newest',
  files: FileName[],
  notice: (text: string) => void,
): Promise<Checkpoint> {
  const verified = async (checkpoint: Checkpoint) => {
    for (const name of files) await readWhole(checkpoint, name);
    return checkpoint;
  };
  return findFirst(path, which, verified, notice);
}

/** A network as a checkpoint stores it: everything needed to classify pictures. */
export interface StoredNetwork {
  checkpoint: Checkpoint;
  /** By variable name. */
  weights: Map<string, Float32Array>;
  /** The logits are divided by it before softmax; 1 where the checkpoint was not calibrated. */
  temperature: number;
  /** With --multi-label: the probability from which each class is answered, [classes]. */
  thresholds?: number[];
  /** Where it answers "unknown" for pictures of no class: what it does so by. */
  rejection?: Rejection | undefined;
}

/**
 * Reads a network from a checkpoint, a run or a checkpoints folder. It needs no engine, so one can start meanwhile.
 * @param notice called with what is damaged, and what is used instead.
 * @throws {UserError} where there is no checkpoint, or all of them are damaged.
 */
export async function readNetwork(
  path: string,
  which: 'best' | 'newest',
  notice: (text: string) => void,
): Promise<StoredNetwork> {
  const read = async (checkpoint: Checkpoint) => ({
    checkpoint,
    weights: await loadTensors(checkpoint, 'weights.bin'),
  });
  const stored = await findFirst(path, which, read, notice);
  const thresholds = await readThresholds(stored.checkpoint);
  const temperature = await readTemperature(stored.checkpoint.folder);
  const rejection = (await readUnknown(stored.checkpoint))?.rejection;
  return { ...stored, temperature, ...(thresholds && { thresholds }), rejection };
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { readWithin } from '../system/files.ts';
import { sizeOf } from '../tensors/shape.ts';
import { readCalibration, readTemperature } from './calibration.ts';
import { type Checkpoint, findFirst } from './find.ts';
import {
  bytesPerNumber,
  damaged,
  type FileName,
  fileNames,
  readManifest,
  whatIsDamaged,
} from './manifest.ts';

/** The bytes of one of a checkpoint's files. @throws {UserError} where it is not what the manifest says. */
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
 * @throws {UserError} where the file is missing, has another length than the manifest says, or fails its checksum.
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
 * That a file holds the tensors that a network works with: none would be random instead.
 * @throws {UserError} naming one that is missing or of another shape.
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

/** What is wrong with a checkpoint, [] where it is whole: every byte is read. */
export async function verifyCheckpoint(folder: string): Promise<string[]> {
  const manifest = await readManifest(folder).catch(whatIsDamaged);
  if (typeof manifest === 'string') return [manifest];
  const checks = [...fileNames.map((name) => readWhole({ folder, manifest }, name)), readCalibration(folder)];
  const results = await Promise.allSettled(checks);
  return results.flatMap((result) => (result.status === 'rejected' ? [whatIsDamaged(result.reason)] : []));
}

/**
 * A checkpoint as findCheckpoint finds it, but of those of which these files are whole: where the first choice is
 * damaged, the next one.
 * @param notice told what is damaged, and what is used in its place.
 * @throws {UserError} where there is none.
 */
export function findWhole(
  place: string,
  which: 'best' | 'newest',
  files: FileName[],
  notice: (text: string) => void,
): Promise<Checkpoint> {
  const verified = async (checkpoint: Checkpoint) => {
    for (const name of files) await readWhole(checkpoint, name);
    return checkpoint;
  };
  return findFirst(place, which, verified, notice);
}

/** A network as it is stored: all that is needed of a checkpoint to answer pictures. */
export interface StoredNetwork {
  checkpoint: Checkpoint;
  /** By the names of variables. */
  weights: Map<string, Float32Array>;
  /** Softmax divides the logits by it; 1 where the checkpoint has not been calibrated. */
  temperature: number;
}

/**
 * Reads a network from a checkpoint, a run or a checkpoints folder. No engine is needed, so that one can start meanwhile.
 * @param notice told where the first choice of a run is damaged and another is used.
 * @throws {UserError} where there is no checkpoint or it is damaged.
 */
export async function readNetwork(
  place: string,
  which: 'best' | 'newest',
  notice: (text: string) => void,
): Promise<StoredNetwork> {
  const read = async (checkpoint: Checkpoint) => ({
    checkpoint,
    weights: await loadTensors(checkpoint, 'weights.bin'),
  });
  const stored = await findFirst(place, which, read, notice);
  return { ...stored, temperature: await readTemperature(stored.checkpoint.folder) };
}

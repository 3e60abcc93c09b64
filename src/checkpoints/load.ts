import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import type { Checkpoint } from './find.ts';
import type { Manifest } from './manifest.ts';

const bytesPerFloat = Float32Array.BYTES_PER_ELEMENT;

function sizeOf(shape: number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * The tensors of one of a checkpoint's files, by name.
 * @throws {UserError} where the file is missing, has another length than the manifest says, or fails its checksum.
 */
export async function loadTensors(
  { folder, manifest }: Checkpoint,
  name: keyof Manifest['files'],
): Promise<Map<string, Float32Array>> {
  const file = join(folder, name);
  const { bytes, sha256, tensors } = manifest.files[name];
  const declared = tensors.reduce((sum, { shape }) => sum + sizeOf(shape) * bytesPerFloat, 0);
  const data = await readExactly(file, bytes).catch((error) => damaged(file, reason(error)));
  if (declared !== bytes) damaged(file, 'its manifest contradicts itself');
  if (createHash('sha256').update(data).digest('hex') !== sha256) damaged(file, 'its checksum differs');

  const values = new Float32Array(data.buffer, data.byteOffset, bytes / bytesPerFloat);
  const loaded = new Map<string, Float32Array>();
  let offset = 0;
  for (const tensor of tensors) {
    const size = sizeOf(tensor.shape);
    loaded.set(tensor.name, values.subarray(offset, offset + size));
    offset += size;
  }
  return loaded;
}

function damaged(file: string, why: string): never {
  throw new UserError(`${file} is damaged (${why}); choose another checkpoint with --checkpoint.`);
}

async function readExactly(file: string, bytes: number): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size !== bytes) throw new Error(`${size} bytes instead of ${bytes}`);
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await handle.read(data, done, bytes - done);
      if (bytesRead === 0) throw new Error('it ends early');
      done += bytesRead;
    }
    return data;
  } finally {
    await handle.close();
  }
}

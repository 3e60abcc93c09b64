import { randomUUID } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import type { World } from './world.ts';

/**
 * Makes sure that a folder, which must be there on rank 0, is one for all ranks before they write to it.
 * @throws {UserError} on a rank that has another.
 */
export async function checkShared(world: World, folder: string): Promise<void> {
  // A name that no cache of a network's disk has seen.
  const name = await world.share(`.shared-${randomUUID()}`);
  const file = join(folder, name);
  try {
    if (world.rank === 0) await writeFile(file, '');
    await world.barrier();
    await access(file);
    await world.barrier();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(`${folder} is not rank 0's; put it on a disk that all hosts share.`);
  } finally {
    if (world.rank === 0) await rm(file, { force: true });
  }
}

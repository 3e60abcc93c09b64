import { randomUUID } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import type { World } from './world.ts';

/**
 * Makes sure that all ranks see the same folder, before they write to it. It must exist on rank 0.
 * @throws {UserError} on a rank that sees another one.
 */
export async function checkShared(world: World, folder: string): Promise<void> {
  // A new name, which no cache of a network file system knows.
  const name = await world.share(`.shared-${randomUUID()}`);
  const file = join(folder, name);
  try {
    if (world.rank === 0) await writeFile(file, '');
    await world.barrier();
    await access(file);
    await world.barrier();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UserError(
      `${folder} is not the same folder as on rank 0; put it on a disk that all hosts share.`,
    );
  } finally {
    if (world.rank === 0) await rm(file, { force: true });
  }
}

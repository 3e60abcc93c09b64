import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import type { Finding } from './kinds.ts';

/** The folders at or below `path` that cannot be read; links are not followed. */
export async function findUnreadableFolders(root: string, path: string): Promise<Finding[]> {
  try {
    const entries = await readdir(join(root, path), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    const found = [];
    for (const { name } of folders) found.push(...(await findUnreadableFolders(root, `${path}/${name}`)));
    return found;
  } catch (error) {
    return [{ kind: 'folder', files: [path], why: reason(error).split(',')[0] as string }];
  }
}

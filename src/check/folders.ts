import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import type { Finding } from './kinds.ts';

/** The folders at or below `path` that cannot be read; links are not followed. */
export async function findUnreadableFolders(root: string, path: string): Promise<Finding[]> {
  try {
    const folders = [];
    for await (const entry of await opendir(join(root, path), { bufferSize: 1000 }))
      if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(entry.name);
    const found = [];
    for (const name of folders.sort()) found.push(...(await findUnreadableFolders(root, `${path}/${name}`)));
    return found;
  } catch (error) {
    return [{ kind: 'folder', files: [path], why: reason(error).split(',')[0] as string }];
  }
}

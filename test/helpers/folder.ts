import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

function removeAll(): void {
  for (const folder of folders)
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    } catch {
      // A browser that is still closing may write there. Its leftovers stay in the system's temporary folder.
    }
}

/** A new empty folder. It is removed when the process ends, after all hooks have closed what they opened. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bat-sup-test-'));
  if (folders.length === 0) process.on('exit', removeAll);
  folders.push(folder);
  return folder;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new empty folder, removed when the test file's process ends, after all that its hooks have closed. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bat-sup-test-'));
  process.on('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    } catch {
      // A browser that is still ending may write there; what it leaves is in the system's temporary folder.
    }
  });
  return folder;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files by their paths below a folder, and makes the folders they are in. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** Writes empty files, and makes the folders they are in. */
export function writeEmpty(folder: string, files: readonly string[]): void {
  writeFiles(folder, Object.fromEntries(files.map((file) => [file, ''])));
}

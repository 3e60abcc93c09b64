import { execFileSync } from 'node:child_process';
import { temporaryFolder } from './folder.ts';

/** A disk of so many kilobytes; undefined where none can be mounted. The caller unmounts it. */
export function smallDisk(kilobytes: number): string | undefined {
  const place = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', place], { stdio: 'ignore' });
    return place;
  } catch {
    return undefined;
  }
}

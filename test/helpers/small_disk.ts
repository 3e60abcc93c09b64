import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './folder.ts';

/**
 * Mounts a disk of this size until the test ends.
 * @returns its folder; undefined where nothing can be mounted, and the test is then marked as skipped.
 */
export function smallDisk(context: TestContext, kilobytes: number): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    context.skip('needs the right to mount a disk (root)');
    return undefined;
  }
  context.after(() => execFileSync('umount', [folder]));
  return folder;
}

/** @param option of mount: 'size=4m', or 'ro' for read-only. */
export function remount(disk: string, option: string): void {
  execFileSync('mount', ['-o', `remount,${option}`, disk]);
}

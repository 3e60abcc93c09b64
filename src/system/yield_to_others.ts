import { execFile } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

const thisThread = '/proc/thread-self';

/**
 * Lets the calling thread compute only while a core has nothing else to do. A low priority alone does not: a thread with
 * one still keeps a core from those that share a computation, and all of them wait for the last.
 * On Linux only, where a thread has a priority and a scheduling policy of its own.
 */
export function yieldToOthers(): void {
  if (process.platform !== 'linux') return;
  // A process that was started with a lower one may not raise it.
  setPriority(Math.max(10, getPriority()));
  // Part of util-linux and BusyBox; Node.js cannot set the policy.
  if (existsSync(thisThread))
    execFile('chrt', ['-i', '-p', '0', basename(readlinkSync(thisThread))], () => {});
}

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Identifies a process, even from a later one with the same id. */
export interface ProcessIdentity {
  id: number;
  host: string;
  /** Boot and clock tick of its start; absent where the system does not provide them. */
  started?: string;
}

/**
 * proc(5): field 3 of stat is the state, Z for a process that has ended and is not yet reaped; field 22 is the start time in
 * clock ticks since boot. Field 2 may contain spaces.
 */
function statusOf(id: number): { started?: string; hasEnded?: boolean } {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { started: `${boot}/${fields[19]}`, hasEnded: fields[0] === 'Z' };
  } catch {
    return {};
  }
}

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  const { started } = statusOf(process.pid);
  return { id: process.pid, host: hostname(), ...(started === undefined ? {} : { started }) };
}

/** Whether there is a process with this id. */
export function exists(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process is still running. One on another host counts as running, since it cannot be checked. */
export function isRunning({ id, host, started }: ProcessIdentity): boolean {
  if (host !== hostname()) return true;
  if (!exists(id)) return false;
  const now = statusOf(id);
  if (now.hasEnded) return false;
  return started === undefined || now.started === undefined || started === now.started;
}

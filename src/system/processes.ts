import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells a process from every other one, also from a later one with its number. */
export interface ProcessIdentity {
  id: number;
  host: string;
  /** The boot and the clock tick that it was started at; absent where the system does not tell. */
  started?: string;
}

/**
 * proc(5): the 3rd field of stat is the state, Z where it has ended and its parent has not looked yet; the 22nd is the
 * start in clock ticks since the boot; the second one may hold spaces.
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

export function thisProcess(): ProcessIdentity {
  const { started } = statusOf(process.pid);
  return { id: process.pid, host: hostname(), ...(started === undefined ? {} : { started }) };
}

/** Whether there is a process of this number. */
export function exists(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process still runs, as far as this machine can tell: one of another host is taken to. */
export function isRunning({ id, host, started }: ProcessIdentity): boolean {
  if (host !== hostname()) return true;
  if (!exists(id)) return false;
  const now = statusOf(id);
  if (now.hasEnded) return false;
  return started === undefined || now.started === undefined || started === now.started;
}

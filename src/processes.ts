import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells a process from every other one, also from a later one with its number. */
export interface ProcessIdentity {
  id: number;
  host: string;
  /** The boot and the clock tick that it was started at; absent where the system does not tell. */
  started?: string;
}

/** proc(5): the 22nd field of stat is the start in clock ticks since the boot; the second one may hold spaces. */
function startOf(id: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${boot}/${ticks}`;
  } catch {
    return undefined;
  }
}

export function thisProcess(): ProcessIdentity {
  const started = startOf(process.pid);
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
  const now = startOf(id);
  return started === undefined || now === undefined || started === now;
}

/** Milliseconds. */
export interface Spent {
  wall: number;
  /** Processor time of all the process's threads together: more telling than `wall` on a busy machine. */
  cpu: number;
}

export async function timed(work: () => unknown): Promise<Spent> {
  const before = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall: performance.now() - before, cpu: (user + system) / 1000 };
}

/** Most memory that this process has held so far. */
export function peakMebibytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

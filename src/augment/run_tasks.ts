import { Piscina } from 'piscina';
import { mapConcurrently } from '../async/concurrency.ts';
import { dealOut, type World } from '../cluster/index.ts';
import { UserError } from '../errors.ts';
import { usableCores } from '../system/cores.ts';
import { threadModule } from '../system/thread_module.ts';
import { counted } from '../text/format.ts';
import type { Copies, Job, Outcome } from './copies.ts';
import type { CopiesOfSource } from './plan.ts';

/** Copies that a thread makes of a source that it has decoded once. */
const copiesPerTask = 8;

/** While one picture is decoded or encoded, the thread works on another. */
const tasksPerThread = 2;

/** Tasks that a rank of a cluster gets at a time. */
const tasksPerDeal = 64;

const worker = threadModule('./copy_worker', import.meta.url);

/** Copies to make, as rank 0 of a cluster sends them to the others. */
export interface Tasks {
  job: Job;
  tasks: Copies[];
}

/** Splits the copies of a source into tasks. @param masks path of each source's mask. */
export function splitIntoTasks({ source, copies }: CopiesOfSource, masks: Map<string, string>): Copies[] {
  const tasks: Copies[] = [];
  for (let at = 0; at < copies.length; at += copiesPerTask) {
    tasks.push({ source, copies: copies.slice(at, at + copiesPerTask), mask: masks.get(source) });
  }
  return tasks;
}

interface RunOptions {
  /** Threads; 0: one for each core. */
  workers: number;
  world?: World | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

interface FinishedTask {
  task: Copies;
  outcome: Outcome;
}

/**
 * Makes copies in threads, and on the other ranks of a cluster where there is one.
 * @returns why sources have no copies, by their paths, and how many copies were made.
 * @throws {UserError} where one cannot be written; those in progress are finished first.
 */
export async function runTasks({ job, tasks }: Tasks, { workers, world, onProgress }: RunOptions) {
  const failures = new Map<string, string>();
  const total = tasks.reduce((sum, { copies }) => sum + copies.length, 0);
  let count = 0;
  if (tasks.length === 0) return { failures, count };
  const threads = Math.min(workers || usableCores(), Math.ceil(tasks.length / tasksPerThread));
  const pool = new Piscina({
    filename: worker,
    workerData: job,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: tasksPerThread,
  });
  let unwritable: string | undefined;
  const run = async (task: Copies): Promise<FinishedTask> => {
    if (unwritable !== undefined) return { task, outcome: { unwritable } };
    const outcome: Outcome = await pool.run(task);
    unwritable ??= outcome.unwritable;
    return { task, outcome };
  };
  const note = ({ task, outcome }: FinishedTask) => {
    unwritable ??= outcome.unwritable;
    if (outcome.unreadable !== undefined) failures.set(task.source, outcome.unreadable);
    else if (outcome.unwritable === undefined) count += task.copies.length;
    onProgress?.(count, total);
  };
  // Never more tasks than the threads can take at once: the pool rejects what is queued when it is destroyed.
  const runSome = (some: Copies[]) => mapConcurrently(some, threads * tasksPerThread, run);
  try {
    if (world) for await (const done of dealOut(world, tasks, { atOnce: tasksPerDeal }, runSome)) note(done);
    else await mapConcurrently(tasks, threads * tasksPerThread, async (task) => note(await run(task)));
  } finally {
    await pool.destroy();
  }
  if (unwritable !== undefined)
    throw new UserError(
      `Cannot write ${unwritable}. ${counted(count, 'picture')} made; ` +
        "free space or change the folder's permissions, then run it again.",
    );
  return { failures, count };
}

import { readFileSync } from 'node:fs';
import type { Piscina } from 'piscina';
import { usableCores } from '../../system/cores.ts';

/** So many are done before a thread would have started. */
const jobsBeforeThreads = 16;

let module: WebAssembly.Module | undefined;

/** The JPEG decoder, compiled once. */
export function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(readFileSync(new URL('./jpeg.wasm', import.meta.url)));
  return module;
}

async function startThreads<Job, Answer>(thread: string): Promise<Piscina<Job, Answer>> {
  const { Piscina } = await import('piscina');
  const threads = usableCores();
  return new Piscina({
    filename: thread,
    workerData: compiled(),
    minThreads: threads,
    maxThreads: threads,
    // So that the next job is ready when one is done.
    concurrentTasksPerWorker: 2,
  });
}

/**
 * Runs jobs with the JPEG decoder: the first sixteen on this thread, later ones in a pool. A job that fails in the pool gives
 * undefined.
 * @param make makes the function that runs a job, given the decoder's module.
 * @param thread file that does the same in a thread, with the module as workerData.
 */
export function makeJpegPool<Job, Answer>(
  make: (module: WebAssembly.Module) => (job: Job) => Answer,
  thread: string,
): (job: Job) => Promise<Answer | undefined> {
  let runHere: ((job: Job) => Answer) | undefined;
  let pool: Promise<Piscina<Job, Answer>> | undefined;
  let jobs = 0;
  return async (job) => {
    if (jobs++ < jobsBeforeThreads) {
      runHere ??= make(compiled());
      return runHere(job);
    }
    pool ??= startThreads(thread);
    return (await pool).run(job).catch(() => undefined);
  };
}

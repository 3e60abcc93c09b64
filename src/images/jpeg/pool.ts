import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';

/** Fewer are done before a thread would have started. */
const jobsBeforeThreads = 16;

let module: WebAssembly.Module | undefined;

export function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(readFileSync(new URL('./jpeg.wasm', import.meta.url)));
  return module;
}

async function startThreads<Job, Answer>(thread: string): Promise<Piscina<Job, Answer>> {
  const { Piscina } = await import('piscina');
  const threads = availableParallelism();
  return new Piscina({
    filename: thread,
    workerData: compiled(),
    minThreads: threads,
    maxThreads: threads,
    // So that the next job lies ready when one is done.
    concurrentTasksPerWorker: 2,
  });
}

/**
 * Does jobs with the JPEG decoder, from the seventeenth on in threads. The answer is undefined where they fail.
 * @param make makes what does a job, given the decoder's module.
 * @param thread what does the same in a thread, given the module as workerData: a file.
 */
export function makeJpegPool<Job, Answer>(
  make: (module: WebAssembly.Module) => (job: Job) => Answer,
  thread: string,
): (job: Job) => Promise<Answer | undefined> {
  let workHere: ((job: Job) => Answer) | undefined;
  let pool: Promise<Piscina<Job, Answer>> | undefined;
  let jobs = 0;
  return async (job) => {
    if (jobs++ < jobsBeforeThreads) {
      workHere ??= make(compiled());
      return workHere(job);
    }
    pool ??= startThreads(thread);
    return (await pool).run(job).catch(() => undefined);
  };
}

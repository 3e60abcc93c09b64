/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

/** Fewer are done before a thread would have started. */
const jobsBeforeThreads = 16;

let module: WebAssembly.Module | undefined;
let resizeHere: ((job: JpegJob) => JpegAnswer) | undefined;
let pool: Piscina<JpegJob, JpegAnswer> | undefined;
let jobs = 0;

function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(readFileSync(new URL('./jpeg.wasm', import.meta.url)));
  return module;
}

function startThreads(): Piscina<JpegJob, JpegAnswer> {
  const thread = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
  const threads = availableParallelism();
  return new Piscina({
    filename: fileURLToPath(thread),
    workerData: compiled(),
    minThreads: threads,
    maxThreads: threads,
    // So that the next job lies ready when one is done.
    concurrentTasksPerWorker: 2,
  });
}

/** Does a job, from the seventeenth on in threads. What fails in them is left to sharp as well. */
export async function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  if (jobs++ < jobsBeforeThreads) {
    resizeHere ??= makeJpegResizer(compiled());
    return resizeHere(job);
  }
  pool ??= startThreads();
  return pool.run(job).catch(() => undefined);
}

/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

interface Thread {
  worker: Worker;
  ready: boolean;
  /** Who waits for the answers, in the jobs' order. */
  waiting: ((answer: JpegAnswer) => void)[];
}

/** Fewer are done before a thread would have started. */
const jobsBeforeThreads = 16;

let module: WebAssembly.Module | undefined;
let resizeHere: ((job: JpegJob) => JpegAnswer) | undefined;
let threads: Thread[] = [];
let jobs = 0;

function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(readFileSync(new URL('./jpeg.wasm', import.meta.url)));
  return module;
}

function startThread(): Thread {
  const file = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
  const thread: Thread = { worker: new Worker(file, { workerData: compiled() }), ready: false, waiting: [] };
  thread.worker.on('message', (answer) => {
    if (!thread.ready) {
      thread.ready = true;
      return;
    }
    thread.waiting.shift()?.(answer);
    if (thread.waiting.length === 0) thread.worker.unref();
  });
  // A thread that cannot start or dies is no loss: its work is done another way.
  thread.worker.on('error', () => {
    threads = threads.filter((one) => one !== thread);
    for (const answer of thread.waiting) answer(undefined);
  });
  thread.worker.unref();
  return thread;
}

function ask(thread: Thread, job: JpegJob): Promise<JpegAnswer> {
  thread.worker.ref();
  return new Promise((resolve) => {
    thread.waiting.push(resolve);
    thread.worker.postMessage(job);
  });
}

/** Does a job on the thread that has least to do; here, as long as none has started. */
export async function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  if (jobs++ === jobsBeforeThreads) threads = Array.from({ length: availableParallelism() }, startThread);
  const [first, ...others] = threads.filter(({ ready }) => ready);
  if (!first) {
    // So that the threads' first words are heard.
    await setImmediate();
    resizeHere ??= makeJpegResizer(compiled());
    return resizeHere(job);
  }
  const idlest = others.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a), first);
  return ask(idlest, job);
}

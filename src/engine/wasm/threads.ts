import { Worker } from 'node:worker_threads';
import type { KernelNumber } from './kernel_numbers.ts';

/** The exports of kernels.wasm that the main thread calls. */
interface Kernels {
  runJob(control: number, kernel: number, chunks: number): void;
  workerLoop(control: number): never;
  packFilter(from: number, to: number, taps: number, inputs: number, outputs: number): void;
  packTransposedFilter(from: number, to: number, taps: number, inputs: number, outputs: number): void;
}

/** A float argument; whole numbers and addresses are given as they are. */
export interface Real {
  real: number;
}

export interface Threads {
  count: number;
  kernels: Kernels;
  /**
   * Runs a kernel on every thread and returns when it is done.
   * @param work gives the arguments for a number of chunks.
   * @param items how many parts the work can be cut into at most.
   */
  run(kernel: KernelNumber, items: number, work: (chunks: number) => (number | Real)[]): void;
  /** Into how many chunks work of so many items is cut. */
  chunksFor(items: number): number;
  /** Runs a kernel that is cut into just so many chunks. */
  runChunks(kernel: KernelNumber, chunks: number, words: (number | Real)[]): void;
  dispose(): Promise<void>;
}

export const controlBytes = 256;
const firstArgument = 16;

/** Several chunks a thread, so that one that is held up does not hold up all. */
const chunksPerThread = 4;

// Needs no module of ours, and so starts the same from sources and from dist.
const workerSource = `
  const { module, memory, control } = require('node:worker_threads').workerData;
  const abort = () => { throw new Error('a kernel aborted'); };
  new WebAssembly.Instance(module, { env: { memory, abort } }).exports.workerLoop(control);
`;

/**
 * Threads that compute on the backend's memory. The workers start with the first job, so that predicting a
 * picture or two needs none of them, and nobody waits for one: until it is there the others do its share.
 * @param control address of a control block of 256 bytes, all zero.
 */
export function startThreads(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { count, control, startAfter }: { count: number; control: number; startAfter: number },
): Threads {
  const abort = () => {
    throw new Error('a kernel aborted');
  };
  const kernels = new WebAssembly.Instance(module, { env: { memory, abort } }).exports as unknown as Kernels;
  const workers: Worker[] = [];
  let jobs = 0;

  function startWorkers(): void {
    while (workers.length < count - 1) {
      const worker = new Worker(workerSource, {
        eval: true,
        execArgv: [],
        workerData: { module, memory, control },
      });
      // A worker that cannot start is no loss: its share is done by the others.
      worker.on('error', () => {});
      worker.unref();
      workers.push(worker);
    }
  }

  function writeArguments(words: (number | Real)[]): void {
    // Made anew each time: a memory that has grown has another buffer.
    const integers = new Int32Array(memory.buffer, control, controlBytes / 4);
    const reals = new Float32Array(memory.buffer, control, controlBytes / 4);
    for (const [index, word] of words.entries()) {
      if (typeof word === 'number') integers[firstArgument + index] = word;
      else reals[firstArgument + index] = word.real;
    }
  }

  function runChunks(kernel: KernelNumber, chunks: number, words: (number | Real)[]): void {
    if (jobs++ === startAfter) startWorkers();
    writeArguments(words);
    kernels.runJob(control, kernel, chunks);
  }

  function chunksFor(items: number): number {
    return Math.max(1, Math.min(items, count === 1 ? 1 : count * chunksPerThread));
  }

  return {
    count,
    kernels,
    chunksFor,
    runChunks,
    run(kernel, items, work) {
      const chunks = chunksFor(items);
      runChunks(kernel, chunks, work(chunks));
    },
    async dispose() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

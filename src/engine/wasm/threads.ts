import { Worker } from 'node:worker_threads';
import { kernelTable, tableChecksum } from './kernel_table.ts';

/** The exports of kernels.wasm and kernels_relaxed.wasm that the main thread calls. */
interface Kernels {
  tableChecksum: WebAssembly.Global;
  runJob(control: number, kernel: number, chunks: number): void;
  workerLoop(control: number): never;
  packFilter(from: number, to: number, taps: number, inputs: number, outputs: number): void;
  packTransposedFilter(from: number, to: number, taps: number, inputs: number, outputs: number): void;
}

export type KernelName = keyof typeof kernelTable;
/** A kernel's arguments by name; an address is a number of bytes. */
export type Arguments<Name extends KernelName> = Record<
  keyof (typeof kernelTable)[Name]['parameters'],
  number
>;

export interface Threads {
  count: number;
  kernels: Kernels;
  /** How many chunks work of this many items is cut into. */
  chunksFor(items: number): number;
  /** Runs a kernel, cut into this many chunks, on every thread, and returns when it is done. */
  run<Name extends KernelName>(kernel: Name, chunks: number, given: Arguments<Name>): void;
  dispose(): Promise<void>;
}

export const controlBytes = 256;
const firstArgument = 16;

/** Several chunks per thread, so that a thread that is delayed does not delay the others. */
const chunksPerThread = 4;

// Imports none of our modules, so it starts the same from sources and from dist.
const workerSource = `
  const { module, memory, control } = require('node:worker_threads').workerData;
  const abort = () => { throw new Error('a kernel aborted'); };
  new WebAssembly.Instance(module, { env: { memory, abort } }).exports.workerLoop(control);
`;

/**
 * Threads that compute on the backend's memory. The workers start with job number `startAfter`, so that predicting a
 * picture or two starts none of them. No job waits for a worker: until one has started, the others do its share.
 * @param control address of a control block of 256 bytes, all zero.
 * @throws where the module was built from other kernels than the table.
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
  if (kernels.tableChecksum?.value !== tableChecksum)
    throw new Error(
      'The WebAssembly kernels were built from other sources; run "node scripts/build-wasm.mjs".',
    );
  const workers: Worker[] = [];
  let jobs = 0;

  function startWorkers(): void {
    while (workers.length < count - 1) {
      const worker = new Worker(workerSource, {
        eval: true,
        execArgv: [],
        workerData: { module, memory, control },
      });
      // Not fatal: the other threads do its share.
      worker.on('error', () => {});
      worker.unref();
      workers.push(worker);
    }
  }

  function writeArguments<Name extends KernelName>(kernel: Name, given: Arguments<Name>): void {
    // Views are made for each job, since a memory that has grown has a new buffer.
    const integers = new Int32Array(memory.buffer, control, controlBytes / 4);
    const floats = new Float32Array(memory.buffer, control, controlBytes / 4);
    let at = firstArgument;
    for (const [name, type] of Object.entries(kernelTable[kernel].parameters)) {
      const value = given[name as keyof Arguments<Name>];
      if (type === 'f32') floats[at++] = value;
      else integers[at++] = value;
    }
  }

  function chunksFor(items: number): number {
    return Math.max(1, Math.min(items, count === 1 ? 1 : count * chunksPerThread));
  }

  return {
    count,
    kernels,
    chunksFor,
    run(kernel, chunks, given) {
      if (jobs++ === startAfter) startWorkers();
      writeArguments(kernel, given);
      kernels.runJob(control, kernelTable[kernel].number, chunks);
    },
    async dispose() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

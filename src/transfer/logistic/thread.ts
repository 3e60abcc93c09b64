import { workerData } from 'node:worker_threads';
import { loadKernels } from './module.ts';
import { type Slot, type Solution, solve, type Task } from './solve.ts';

const memory: WebAssembly.Memory = workerData;
const kernels = loadKernels(memory);

/** Runs a task in a thread of a pool. */
export default ({ slot, task }: { slot: Slot; task: Task }): Solution => solve(kernels, memory, slot, task);

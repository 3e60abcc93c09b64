import { workerData } from 'node:worker_threads';
import { makeVary } from './online.ts';

/** What the thread does with each batch. */
export default makeVary(workerData);

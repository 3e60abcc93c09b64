import { workerData } from 'node:worker_threads';
import { type Copies, type Job, makeCopies, type Outcome } from './copies.ts';

/** Runs in a thread of the pool for each task. */
export default function work(copies: Copies): Promise<Outcome> {
  return makeCopies(workerData as Job, copies);
}

import { workerData } from 'node:worker_threads';
import { type Copies, type Job, makeCopies, type Outcome } from './copies.ts';

/** What a thread of the pool does with each task. */
export default function work(copies: Copies): Promise<Outcome> {
  return makeCopies(workerData as Job, copies);
}

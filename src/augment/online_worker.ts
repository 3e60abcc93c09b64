import { workerData } from 'node:worker_threads';
import { type OnlineBatch, type OnlineJob, varyBatch } from './online.ts';

/** What the thread does with each batch. */
export default function work(batch: OnlineBatch): Promise<Uint8Array> {
  return varyBatch(workerData as OnlineJob, batch);
}

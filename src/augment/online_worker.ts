import { workerData } from 'node:worker_threads';
import { move } from 'piscina';
import { makeVary, type OnlineBatch } from './online.ts';

const vary = makeVary(workerData);

/** Runs in the thread for each batch. */
export default async function work(batch: OnlineBatch): Promise<unknown> {
  return move(await vary(batch));
}

/** A worker thread that answers one job after the other (threads.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { type JpegJob, makeJpegResizer } from './resizer.ts';

const resize = makeJpegResizer(workerData);

parentPort?.on('message', (job: JpegJob) => {
  const answer = resize(job);
  parentPort?.postMessage(answer, answer instanceof Uint8Array ? [answer.buffer as ArrayBuffer] : []);
});
parentPort?.postMessage('ready');

/** What each of the threads does (index.ts). */
import { workerData } from 'node:worker_threads';
import { move } from 'piscina';
import { type JpegJob, makeJpegResizer } from './resizer.ts';

const resize = makeJpegResizer(workerData);

export default function work(job: JpegJob): unknown {
  const answer = resize(job);
  return answer instanceof Uint8Array ? move(answer) : answer;
}

/** Runs in each thread of index.ts. */
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type JpegJob, makeJpegResizer } from './resizer.ts';

const resize = makeJpegResizer(workerData);

/** Resizes pictures. The memory of the answers is moved, not copied. */
export default function work(jobs: JpegJob[]): unknown {
  const answers = resize(jobs);
  const pixels = answers.filter((answer) => answer instanceof Uint8Array);
  return move({ [valueSymbol]: answers, [transferableSymbol]: pixels.map(({ buffer }) => buffer) } as never);
}

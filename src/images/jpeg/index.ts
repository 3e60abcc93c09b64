/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { threadModule } from '../../thread_module.ts';
import { makeJpegPool } from './pool.ts';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

const run = makeJpegPool(makeJpegResizer, threadModule('./thread', import.meta.url));

/** Threads share these; cloning a photograph for one takes a third of the time that decoding it does. */
function shareable(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

export function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  return run(typeof job.input === 'string' ? job : { ...job, input: shareable(job.input) });
}

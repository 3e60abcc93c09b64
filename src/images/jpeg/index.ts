/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { threadModule } from '../../thread_module.ts';
import { makeJpegPool } from './pool.ts';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

/** Jobs for a thread at once: a message wakes two threads, which costs more than reading a file. */
const jobsAtOnce = 4;

const resizeJpegs = makeJpegPool(makeJpegResizer, threadModule('./thread', import.meta.url));

interface Waiting {
  job: JpegJob;
  resolve(answer: JpegAnswer | Promise<JpegAnswer>): void;
}

let waiting: Waiting[] = [];

function send(): void {
  const sent = waiting;
  waiting = [];
  const answers = resizeJpegs(sent.map(({ job }) => job));
  for (const [index, { resolve }] of sent.entries()) resolve(answers.then((all) => all?.[index]));
}

/** Threads share these; cloning a photograph for one takes a third of the time that decoding it does. */
function shareable(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** Does a job, in one message with others that come in the same turn. */
export function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  return new Promise((resolve) => {
    const { input } = job;
    waiting.push({ job: typeof input === 'string' ? job : { ...job, input: shareable(input) }, resolve });
    if (waiting.length === jobsAtOnce) send();
    else if (waiting.length === 1) setImmediate(() => waiting.length > 0 && send());
  });
}

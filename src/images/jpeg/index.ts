/**
 * Resizes plain JPEGs several times as fast as decoding the whole picture first: blocks are decoded directly to about the size
 * needed, on every core. Any other picture is left to sharp.
 */
import { threadModule } from '../../system/thread_module.ts';
import { type Codec, makeCodec, type Placement, type Target } from './codec.ts';
import { compiled, makeJpegPool } from './pool.ts';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

/** Jobs per message to a thread: a message wakes two threads, which costs more than reading a file. */
const jobsPerMessage = 4;

const resizeJpegs = makeJpegPool(makeJpegResizer, threadModule('./thread', import.meta.url));

interface Waiting {
  job: JpegJob;
  resolve(answer: JpegAnswer | Promise<JpegAnswer>): void;
}

let waiting: Waiting[] = [];

/** Bytes of a buffer that is used again, and how many are kept. */
const bufferSize = 1 << 20;
const maxBuffers = 16;
const buffers: Uint8Array[] = [];

/**
 * Copies bytes to memory that threads share: cloning a photograph for a thread would take a third of the time of decoding it.
 * Buffers are used again, since a thread frees what it has seen only at its next garbage collection.
 */
function takeBuffer(bytes: Uint8Array): Uint8Array {
  const fits = bytes.length <= bufferSize;
  const buffer =
    (fits && buffers.pop()) || new Uint8Array(new SharedArrayBuffer(fits ? bufferSize : bytes.length));
  buffer.set(bytes);
  return buffer;
}

function giveBackBuffer(buffer: Uint8Array): void {
  if (buffer.length === bufferSize && buffers.length < maxBuffers) buffers.push(buffer);
}

function send(): void {
  const sent = waiting;
  waiting = [];
  const answers = resizeJpegs(sent.map(({ job }) => job));
  for (const [index, { resolve }] of sent.entries()) resolve(answers.then((all) => all?.[index]));
}

/** Sends a job to a thread, in one message with others of the same turn of the event loop. */
function post(job: JpegJob): Promise<JpegAnswer> {
  return new Promise((resolve) => {
    waiting.push({ job, resolve });
    if (waiting.length === jobsPerMessage) send();
    else if (waiting.length === 1) setImmediate(() => waiting.length > 0 && send());
  });
}

/** Resizes a plain JPEG. @returns undefined for any other picture, and for a damaged one. */
export async function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  const { input } = job;
  if (typeof input === 'string') return post(job);
  const buffer = takeBuffer(input);
  try {
    return await post({ ...job, input: buffer.subarray(0, input.length) });
  } finally {
    giveBackBuffer(buffer);
  }
}

let codec: Codec | undefined;

/**
 * Resizes pixels, on this thread.
 * @param picture uint8 RGB [height, width, 3].
 * @returns pixels, uint8 [height, width, channels], or a JPEG where the target has a quality.
 * @throws {Error} where the picture is too large for the module's memory.
 */
export function resizePixels(
  { data, width, height }: { data: Uint8Array; width: number; height: number },
  target: Target,
  placed?: Placement,
): Uint8Array {
  codec ??= makeCodec(compiled());
  const made = codec(data, { width, height }, target, placed);
  if (!made) throw new Error('it needs too much memory');
  return made;
}

/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { threadModule } from '../../system/thread_module.ts';
import { type Codec, makeCodec, type Placement, type Target } from './codec.ts';
import { compiled, makeJpegPool } from './pool.ts';
import { type JpegAnswer, type JpegJob, makeJpegResizer } from './resizer.ts';

/** Jobs for a thread at once: a message wakes two threads, which costs more than reading a file. */
const jobsAtOnce = 4;

const resizeJpegs = makeJpegPool(makeJpegResizer, threadModule('./thread', import.meta.url));

interface Waiting {
  job: JpegJob;
  resolve(answer: JpegAnswer | Promise<JpegAnswer>): void;
}

let waiting: Waiting[] = [];

/** Bytes, and how many of these are kept. */
const roomSize = 1 << 20;
const roomsKept = 16;
const rooms: Uint8Array[] = [];

/**
 * Memory that threads share, with these bytes: cloning a photograph for a thread takes a third of the time that decoding
 * it does. It is used again, since what a thread has seen stays in memory until the thread next collects its garbage.
 */
function takeRoom(bytes: Uint8Array): Uint8Array {
  const fits = bytes.length <= roomSize;
  const room = (fits && rooms.pop()) || new Uint8Array(new SharedArrayBuffer(fits ? roomSize : bytes.length));
  room.set(bytes);
  return room;
}

function giveRoom(room: Uint8Array): void {
  if (room.length === roomSize && rooms.length < roomsKept) rooms.push(room);
}

function send(): void {
  const sent = waiting;
  waiting = [];
  const answers = resizeJpegs(sent.map(({ job }) => job));
  for (const [index, { resolve }] of sent.entries()) resolve(answers.then((all) => all?.[index]));
}

/** A job's answer, in one message with others that come in the same turn. */
function post(job: JpegJob): Promise<JpegAnswer> {
  return new Promise((resolve) => {
    waiting.push({ job, resolve });
    if (waiting.length === jobsAtOnce) send();
    else if (waiting.length === 1) setImmediate(() => waiting.length > 0 && send());
  });
}

export async function resizeJpeg(job: JpegJob): Promise<JpegAnswer> {
  const { input } = job;
  if (typeof input === 'string') return post(job);
  const room = takeRoom(input);
  try {
    return await post({ ...job, input: room.subarray(0, input.length) });
  } finally {
    giveRoom(room);
  }
}

let codec: Codec | undefined;

/** Pixels RGB [height, width, 3] brought to a size, on this thread. @returns pixels, or a JPEG of the target's quality. */
export function resizePixels(
  { data, width, height }: { data: Uint8Array; width: number; height: number },
  target: Target,
  placed?: Placement,
): Uint8Array {
  codec ??= makeCodec(compiled());
  const made = codec(data, { width, height }, target, placed);
  if (!made) throw new Error('it takes more memory than there is');
  return made;
}

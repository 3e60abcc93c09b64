import { Piscina } from 'piscina';
import { UsageError } from '../errors.ts';
import { threadModule } from '../system/thread_module.ts';
import { copyOf, giveBack, takeBuffer } from './buffers.ts';
import { cropAndResize, luma, toByte } from './changes.ts';
import type { Picture } from './picture.ts';
import {
  allPipelines,
  findMixing,
  type OperationsOfClasses,
  type Pipeline,
  pipelineOf,
  samplePipeline,
} from './pipeline.ts';
import { render } from './render.ts';
import { createRing, giveToRing, type OnlineBatch, type Ring, type Vary } from './ring.ts';

/** What is the same for every batch. It can be sent to a thread. */
export interface OnlineJob extends OperationsOfClasses {
  /** Class names, in the order of the labels. */
  names: string[];
  width: number;
  height: number;
  channels: 1 | 3;
}

/** Makes the function that varies a picture. @throws {UsageError} as parsePipeline does. */
export function makeVary(job: OnlineJob): Vary {
  const { width, height, channels } = job;
  const pipelines = job.names.map((name) => pipelineOf(job, name));
  return async (pixels, varied, label, key) => {
    const picture = toColour(pixels, job);
    const changes = samplePipeline(pipelines[label] as Pipeline, key, picture);
    const last = changes.findLast((change) => change.kind === 'geometry');
    if (last && (last.width !== width || last.height !== height))
      changes.push(cropAndResize(0, 0, last, picture));
    const { data } = await render(picture, changes);
    if (channels === 3) varied.set(data);
    else toGrey(data, varied);
    giveBack(picture.data);
    if (data !== picture.data) giveBack(data);
  };
}

function toColour(pixels: Uint8Array, { width, height, channels }: OnlineJob): Picture {
  // A copy, since sharp does not read shared memory.
  if (channels === 3) return { data: copyOf(pixels), width, height };
  const data = takeBuffer(width * height * 3);
  for (const [at, value] of pixels.entries()) data.fill(value, at * 3, at * 3 + 3);
  return { data, width, height };
}

function toGrey(data: Buffer, grey: Uint8Array): void {
  for (let at = 0; at < grey.length; at++) {
    grey[at] = toByte(luma(data[at * 3] as number, data[at * 3 + 1] as number, data[at * 3 + 2] as number));
  }
}

const worker = threadModule('./online_worker', import.meta.url);

/** What the thread is told once. */
export interface OnlineTask {
  job: OnlineJob;
  ring: Ring;
}

export interface Online {
  /**
   * Lets the thread vary a batch; three may be under way at once.
   * @returns waits until it is varied, in place. This thread does what the other one has not done by then.
   */
  vary(batch: OnlineBatch): () => Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a thread that varies batches while the engine works on another one.
 * @param batchSize the most pictures of a batch.
 * @throws {UsageError} for an unknown operation, or one that mixes pictures.
 */
export function startOnline(job: OnlineJob, batchSize: number): Online {
  const mixing = findMixing(allPipelines(job));
  if (mixing) {
    throw new UsageError(
      `${mixing} needs other pictures, which --augment online does not have; run "bat-sup augment" instead.`,
    );
  }
  const ring = createRing(batchSize, job.width * job.height * job.channels);
  const pool = new Piscina({ filename: worker, minThreads: 1, maxThreads: 1 });
  const task: OnlineTask = { job, ring };
  // It ends where an operation fails, which then fails on this thread too.
  pool.run(task).catch(() => {});
  for (const thread of pool.threads) thread.unref();
  return { vary: giveToRing(ring, makeVary(job)), close: () => pool.destroy() };
}

import { Piscina } from 'piscina';
import { UsageError } from '../errors.ts';
import { threadModule } from '../system/thread_module.ts';
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

/** What is the same for every batch. It can be sent to a thread. */
export interface OnlineJob extends OperationsOfClasses {
  /** Class names, in the order of the labels. */
  names: string[];
  width: number;
  height: number;
  channels: 1 | 3;
}

/** A batch of pictures to vary. */
export interface OnlineBatch {
  /** uint8 [count, height, width, channels]. */
  pixels: Uint8Array;
  /** Class index of each picture. */
  labels: number[];
  /** A seed for each picture: the same key gives the same variation. */
  keys: string[];
}

/** Makes the function that varies batches, in place. @throws {UsageError} as parsePipeline does. */
export function makeVary(job: OnlineJob): (batch: OnlineBatch) => Promise<Uint8Array> {
  const { width, height, channels } = job;
  const bytes = width * height * channels;
  const pipelines = job.names.map((name) => pipelineOf(job, name));
  return async ({ pixels, labels, keys }) => {
    for (const [index, key] of keys.entries()) {
      const own = pixels.subarray(index * bytes, (index + 1) * bytes);
      const picture = toColour(own, job);
      const changes = samplePipeline(pipelines[labels[index] as number] as Pipeline, key, picture);
      const last = changes.findLast((change) => change.kind === 'geometry');
      if (last && (last.width !== width || last.height !== height))
        changes.push(cropAndResize(0, 0, last, picture));
      const { data } = await render(picture, changes);
      if (channels === 3) own.set(data);
      else toGrey(data, own);
    }
    return pixels;
  };
}

function toColour(pixels: Uint8Array, { width, height, channels }: OnlineJob): Picture {
  if (channels === 3)
    return { data: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.length), width, height };
  const data = Buffer.alloc(width * height * 3);
  for (const [at, value] of pixels.entries()) data.fill(value, at * 3, at * 3 + 3);
  return { data, width, height };
}

function toGrey(data: Buffer, grey: Uint8Array): void {
  for (let at = 0; at < grey.length; at++) {
    grey[at] = toByte(luma(data[at * 3] as number, data[at * 3 + 1] as number, data[at * 3 + 2] as number));
  }
}

const worker = threadModule('./online_worker', import.meta.url);

export interface Online {
  /** Varies a batch. Its pixels are moved to the thread, so that the caller's array is empty afterwards. */
  vary(batch: OnlineBatch): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Starts a thread that varies batches while the engine works on another one.
 * @throws {UsageError} for an unknown operation, or one that mixes pictures.
 */
export function startOnline(job: OnlineJob): Online {
  const mixing = findMixing(allPipelines(job));
  if (mixing) {
    throw new UsageError(
      `${mixing} needs other pictures, which --augment online does not have; run "bat-sup augment" instead.`,
    );
  }
  const pool = new Piscina({
    filename: worker,
    workerData: job,
    minThreads: 1,
    maxThreads: 1,
    // The engine's threads take precedence. Only on Linux does this apply to one thread; elsewhere to the whole process.
    niceIncrement: process.platform === 'linux' ? 10 : 0,
  });
  return {
    vary: (batch) => pool.run(batch, { transferList: [batch.pixels.buffer as ArrayBuffer] }),
    close: () => pool.destroy(),
  };
}

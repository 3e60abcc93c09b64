import type { FileHandle } from 'node:fs/promises';
import { openPack, type Pack } from './pack.ts';
import type { Picture } from './scan.ts';

/** Some pictures, as the network reads them. */
export interface Batch {
  /** uint8 [count, height, width, channels]. */
  pixels: Uint8Array;
  /** [count], the class index of each picture. */
  labels: number[];
  /** [count, classes], how much of each class a picture shows; absent where every picture shows one class. */
  softLabels?: Float32Array;
  /** With --multi-label: the class indices of each picture. */
  labelSets?: number[][];
}

async function readBatch(
  handle: FileHandle,
  pack: Pack,
  pictures: Picture[],
  indexes: number[],
): Promise<Batch> {
  const bytes = pack.pictureBytes;
  const pixels = new Uint8Array(indexes.length * bytes);
  await Promise.all(
    indexes.map(async (index, row) => {
      const { bytesRead } = await handle.read(pixels, row * bytes, bytes, index * bytes);
      if (bytesRead !== bytes)
        throw new Error(`${pack.file} is shorter than its pictures; delete it and train again.`);
    }),
  );
  const chosen = indexes.map((index) => pictures[index] as Picture);
  const labelSets = chosen.flatMap(({ labels }) => (labels ? [labels] : []));
  return {
    pixels,
    labels: chosen.map(({ label }) => label),
    ...softLabelsOf(chosen),
    ...(labelSets.length > 0 && { labelSets }),
  };
}

function softLabelsOf(pictures: Picture[]): Pick<Batch, 'softLabels'> {
  const classes = pictures.find(({ softLabel }) => softLabel)?.softLabel?.length;
  if (classes === undefined) return {};
  const softLabels = new Float32Array(pictures.length * classes);
  for (const [row, { label, softLabel }] of pictures.entries()) {
    if (softLabel) softLabels.set(softLabel, row * classes);
    else softLabels[row * classes + label] = 1;
  }
  return { softLabels };
}

/** Starts augmenting a batch, in place. @param indexes of its pictures in the dataset. @returns waits until it is done. */
export type AugmentBatch = (batch: Batch, indexes: number[]) => () => Promise<void>;

/** Batches prepared while the caller works on one: one is augmented, one is read. */
const prefetch = 2;

/**
 * The pictures at `indexes`, in this order, in batches; the last one may be smaller. The next batches are read and
 * augmented while the caller works on one, even if it never returns to the event loop. At most three are in memory.
 * @param augment makes the pixels of each batch that the caller gets.
 * @throws {UserError} where another command has replaced the pack.
 */
export async function* batches(
  pack: Pack,
  pictures: Picture[],
  indexes: number[],
  batchSize: number,
  augment?: AugmentBatch,
): AsyncGenerator<Batch> {
  const handle = await openPack(pack);
  const read = async (start: number) => {
    const some = indexes.slice(start, start + batchSize);
    const batch = await readBatch(handle, pack, pictures, some);
    return { batch, finish: augment?.(batch, some) };
  };
  const underWay: ReturnType<typeof read>[] = [];
  let start = 0;
  const fill = () => {
    for (; underWay.length < prefetch && start < indexes.length; start += batchSize) {
      const batch = read(start);
      batch.catch(() => {}); // thrown when it is awaited
      underWay.push(batch);
    }
  };
  try {
    fill();
    for (let next = await underWay.shift(); next; next = await underWay.shift()) {
      fill();
      // Lets the batch just read start to be augmented: the caller's work may block the event loop.
      await new Promise(setImmediate);
      await next.finish?.();
      yield next.batch;
    }
  } finally {
    await Promise.allSettled(underWay);
    await handle.close();
  }
}

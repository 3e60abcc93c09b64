import type { FileHandle } from 'node:fs/promises';
import { openPack, type Pack } from './pack.ts';
import type { Picture } from './scan.ts';

export interface Batch {
  /** uint8 [count, height, width, channels]. */
  pixels: Uint8Array;
  /** Class index of each picture. */
  labels: number[];
  /** [count, classes], how much of the label each class has; absent where each picture is all of its class. */
  shares?: Float32Array;
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
    indexes.map(async (index, place) => {
      const { bytesRead } = await handle.read(pixels, place * bytes, bytes, index * bytes);
      if (bytesRead !== bytes)
        throw new Error(`${pack.file} is shorter than its pictures; delete it and train again.`);
    }),
  );
  const chosen = indexes.map((index) => pictures[index] as Picture);
  return { pixels, labels: chosen.map(({ label }) => label), ...sharesOf(chosen) };
}

function sharesOf(pictures: Picture[]): { shares?: Float32Array } {
  const classes = pictures.find(({ shares }) => shares)?.shares?.length;
  if (classes === undefined) return {};
  const shares = new Float32Array(pictures.length * classes);
  for (const [row, picture] of pictures.entries()) {
    if (picture.shares) shares.set(picture.shares, row * classes);
    else shares[row * classes + picture.label] = 1;
  }
  return { shares };
}

/** Makes other pixels of a batch's. @param indexes of its pictures */
export type Vary = (batch: Batch, indexes: number[]) => Promise<Uint8Array>;

/** Batches under way while the caller works on one: one that is varied, and one that is read for it. */
const ahead = 2;

/**
 * The pictures at `indexes` in batches, in this order. The next batches are read, and varied, while the caller works
 * on this one, even if it never lets the event loop turn meanwhile; no more than three are in memory.
 */
export async function* batches(
  pack: Pack,
  pictures: Picture[],
  indexes: number[],
  batchSize: number,
  vary?: Vary,
): AsyncGenerator<Batch> {
  const handle = await openPack(pack);
  const read = async (start: number) => {
    const some = indexes.slice(start, start + batchSize);
    const batch = await readBatch(handle, pack, pictures, some);
    return vary ? { ...batch, pixels: await vary(batch, some) } : batch;
  };
  const underWay: Promise<Batch>[] = [];
  let start = 0;
  const fill = () => {
    for (; underWay.length < ahead && start < indexes.length; start += batchSize) {
      const batch = read(start);
      batch.catch(() => {}); // reported when it is awaited
      underWay.push(batch);
    }
  };
  try {
    fill();
    for (let batch = await underWay.shift(); batch; batch = await underWay.shift()) {
      fill();
      // What was read meanwhile is to be varied while the caller is at work, which may let nothing else happen.
      await new Promise(setImmediate);
      yield batch;
    }
  } finally {
    await Promise.allSettled(underWay);
    await handle.close();
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import type { Pack } from './pack.ts';
import type { Picture } from './scan.ts';

export interface Batch {
  /** uint8 [count, height, width, channels]. */
  pixels: Uint8Array;
  /** Class index of each picture. */
  labels: number[];
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
  return { pixels, labels: indexes.map((index) => (pictures[index] as Picture).label) };
}

/**
 * The pictures at `indexes` in batches, in this order. The next batch is read while the caller works on
 * this one, and no more than two are in memory.
 */
export async function* batches(
  pack: Pack,
  pictures: Picture[],
  indexes: number[],
  batchSize: number,
): AsyncGenerator<Batch> {
  const handle = await open(pack.file);
  const read = (start: number) => readBatch(handle, pack, pictures, indexes.slice(start, start + batchSize));
  let next: Promise<Batch> | undefined;
  try {
    for (let start = 0; start < indexes.length; start += batchSize) {
      const batch = await (next ?? read(start));
      const following = start + batchSize;
      next = following < indexes.length ? read(following) : undefined;
      next?.catch(() => {}); // reported when it is awaited
      yield batch;
    }
  } finally {
    await next?.catch(() => {});
    await handle.close();
  }
}

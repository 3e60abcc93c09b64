import { availableParallelism } from 'node:os';

/** Calls `work` for every item, at most `limit` at a time (0: four for each core); results in the items' order. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T, index);
    }
  };
  const workers = Math.min(limit || availableParallelism() * 4, items.length);
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
}

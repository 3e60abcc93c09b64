import { usableCores } from '../system/cores.ts';

/**
 * Calls `work` for every item, at most `limit` at a time (0: four per core).
 * @returns the results in the order of the items.
 * @throws the first failure. No further item is started after it, and it is thrown once the running ones have ended.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const workers = Math.min(limit || usableCores() * 4, items.length);
  await Promise.all(Array.from({ length: workers }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Groups items into arrays of `size`; the last one may be shorter. */
export async function* inBatches<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[], undefined> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Works on items in batches, of which some are begun while the reader has one; no others are in memory.
 * @param ahead batches that are begun before they are asked for.
 * @returns the results of each batch, in the items' order.
 */
export async function* mapBatchesAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  { size, ahead }: { size: number; ahead: number },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R[], undefined> {
  const begun: Promise<R[]>[] = [];
  for await (const batch of inBatches(items, size)) {
    begun.push(Promise.all(batch.map(work)));
    if (begun.length > ahead) yield begun.shift() as Promise<R[]>;
  }
  yield* begun;
}

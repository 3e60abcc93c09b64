/** One of several that learn together. */
export interface Member {
  rank: number;
  size: number;
}

/**
 * What a member reads of an epoch's order: of each batch of all its part of `batchSize`, so that all together read
 * what one alone would with batches that are `size` times as large.
 */
export function partOfBatches<T>(order: readonly T[], batchSize: number, { rank, size }: Member): T[] {
  return order.filter((_, index) => Math.floor(index / batchSize) % size === rank);
}

/** A part of pictures in whatever order, such that each part has some of all that is sorted. */
export function partOf(indexes: readonly number[], { rank, size }: Member): number[] {
  return indexes.filter((_, index) => index % size === rank);
}

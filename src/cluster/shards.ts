import type { World } from './world.ts';

/** One of several parts of the same work. */
export interface Shard {
  /** From 0. */
  index: number;
  count: number;
}

/** How work is split between processes, if at all: between ranks, which communicate, or shards, which do not. */
export interface Splitting {
  /** This process must be rank 0; the others call a help function. */
  world?: World | undefined;
  shard?: Shard | undefined;
}

/**
 * The part of a list that belongs to a shard. Groups of items go to the shards in turn, as cards are dealt, so the parts
 * depend on the list alone, and work for a list whose length is not known yet.
 * @param together number of consecutive items in a group.
 */
export function shareOf<T>(items: readonly T[], shard: Shard, together = 1): T[] {
  return items.filter((_, index) => isOfShard(index, shard, together));
}

/** As {@link shareOf}, for a list that is read as it comes. */
export async function* streamShareOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  shard: Shard,
  together = 1,
): AsyncGenerator<T> {
  let position = 0;
  for await (const item of items) if (isOfShard(position++, shard, together)) yield item;
}

function isOfShard(position: number, { index, count }: Shard, together: number): boolean {
  return Math.floor(position / together) % count === index;
}

/** Puts the parts of {@link shareOf} for shards 0, 1 ... back together. */
export function joinShares<T>(shares: T[][], together = 1): T[] {
  const items: T[] = [];
  const groups = Math.ceil(Math.max(...shares.map(({ length }) => length)) / together);
  for (let group = 0; group < groups; group++)
    for (const share of shares) items.push(...share.slice(group * together, (group + 1) * together));
  return items;
}

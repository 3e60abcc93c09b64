import type { World } from './world.ts';

/** One of several parts of the same work. */
export interface Shard {
  /** From 0. */
  index: number;
  count: number;
}

/** What splits work between processes, if anything: ranks, which tell each other; or shards, which do not. */
export interface Splitting {
  /** This process must be rank 0; the others help. */
  world?: World | undefined;
  shard?: Shard | undefined;
}

/**
 * What of a list is a shard's: groups of items are dealt out in turn, as cards are, so that the shards' parts depend on
 * nothing but the list, and a list needs no end to be dealt out.
 * @param together items of a group.
 */
export function shareOf<T>(items: readonly T[], shard: Shard, together = 1): T[] {
  return items.filter((_, place) => isOfShard(place, shard, together));
}

/** The same of a list that is read on the way. */
export async function* streamShareOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  shard: Shard,
  together = 1,
): AsyncGenerator<T> {
  let place = 0;
  for await (const item of items) if (isOfShard(place++, shard, together)) yield item;
}

function isOfShard(place: number, { index, count }: Shard, together: number): boolean {
  return Math.floor(place / together) % count === index;
}

/** The list that {@link shareOf} has dealt out to shards 0, 1 ... */
export function joinShares<T>(shares: T[][], together = 1): T[] {
  const items: T[] = [];
  const groups = Math.ceil(Math.max(...shares.map(({ length }) => length)) / together);
  for (let group = 0; group < groups; group++)
    for (const share of shares) items.push(...share.slice(group * together, (group + 1) * together));
  return items;
}

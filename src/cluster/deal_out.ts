import { createHash } from 'node:crypto';
import { inBatches } from '../async/in_batches.ts';
import { UserError } from '../errors.ts';
import { memory } from './mpi.ts';
import { joinShares, shareOf } from './shards.ts';
import type { World } from './world.ts';

export interface Dealing {
  /** Number of items that a rank gets per round; after each round rank 0 has their results. */
  atOnce: number;
  /** Number of consecutive items that go to the same rank: a divisor of `atOnce`. Default: 1. */
  together?: number;
  /** Aborting it on any rank ends all ranks before their next round. */
  signal?: AbortSignal | undefined;
}

/**
 * Shares work on many items between all ranks, in rounds that rank 0 waits for.
 * @param items the same on all ranks, compared as JSON.
 * @param work maps items to results, in the same order.
 * @returns on rank 0 the results in the order of the items, on the others none. All ranks must read it to the end.
 * @throws {UserError} where a rank has other items than rank 0.
 */
export async function* dealOut<Item, Result>(
  world: World,
  items: Iterable<Item> | AsyncIterable<Item>,
  { atOnce, together = 1, signal }: Dealing,
  work: (items: Item[]) => Promise<Result[]>,
): AsyncGenerator<Result> {
  const shard = { index: world.rank, count: world.size };
  const rounds = inBatches(items, world.size * atOnce);
  for (;;) {
    const { value: round } = await rounds.next();
    const isWanted = await agree(world, round, signal);
    if (!round || !isWanted) return;
    const shares = await world.gather(await work(shareOf(round, shard, together)));
    if (shares) yield* joinShares(shares, together);
  }
}

/** Compares the items of a round with those of rank 0. @returns whether to continue, because no rank was aborted. */
async function agree(world: World, round: unknown, signal: AbortSignal | undefined): Promise<boolean> {
  const digest = createHash('sha256').update(JSON.stringify({ round })).digest();
  const mine = memory(Uint8Array, digest.length + 1);
  mine.set(digest);
  mine[digest.length] = Number(signal?.aborted ?? false);
  const all = memory(Uint8Array, mine.length * world.size);
  await world.allgather(mine, all);
  if (!digest.equals(all.subarray(0, digest.length))) {
    throw new UserError('it finds other pictures than rank 0; put them on a disk that all hosts share.');
  }
  return !Array.from({ length: world.size }, (_, rank) => all[(rank + 1) * mine.length - 1]).includes(1);
}

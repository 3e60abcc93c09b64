import { createHash } from 'node:crypto';
import { inBatches } from '../async/in_batches.ts';
import { UserError } from '../errors.ts';
import { memory } from './mpi.ts';
import { joinShares, shareOf } from './shards.ts';
import type { World } from './world.ts';

export interface Dealing {
  /** Items that one rank gets in a round, after which rank 0 has their results. */
  atOnce: number;
  /** Items that go to the same rank one after the other: a divisor of `atOnce`. */
  together?: number;
  /** Once aborted on any rank, all end before their next round. */
  signal?: AbortSignal | undefined;
}

/**
 * Has work for many items done by all ranks, a round after the other, each of which rank 0 waits for.
 * @param items the same on all ranks, as JSON tells them.
 * @param work one result for each of the items given, in their order.
 * @returns on rank 0 the results in the items' order, on the others none; to be read to the end on all ranks.
 * @throws {UserError} where another rank has other items.
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
    const goesOn = await agree(world, round, signal);
    if (!round || !goesOn) return;
    const shares = await world.gather(await work(shareOf(round, shard, together)));
    if (shares) yield* joinShares(shares, together);
  }
}

/** @returns whether no rank is to stop. */
async function agree(world: World, round: unknown, signal: AbortSignal | undefined): Promise<boolean> {
  const digest = createHash('sha256').update(JSON.stringify({ round })).digest();
  const mine = memory(Uint8Array, digest.length + 1);
  mine.set(digest);
  mine[digest.length] = Number(signal?.aborted ?? false);
  const all = memory(Uint8Array, mine.length * world.size);
  await world.allgather(mine, all);
  if (!digest.equals(all.subarray(0, digest.length))) {
    throw new UserError(
      'its list of pictures is not as rank 0 has it; put them on a disk that all hosts share.',
    );
  }
  return !Array.from({ length: world.size }, (_, rank) => all[(rank + 1) * mine.length - 1]).includes(1);
}

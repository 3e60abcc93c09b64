import type { HalfPrecision } from './half_precision.ts';
import { memory } from './mpi.ts';
import type { World } from './world.ts';

/**
 * The sum of all ranks' values to all, in place, with 16 bits a number on the way and sums in float32. MPI has no sums
 * of such numbers, so each rank adds up one part of all and sends it round: the volume is that of a ring all-reduce.
 * @returns does the second half, which all ranks must start in the same order.
 */
export function startAllreduceCompressed(
  world: World,
  values: Float32Array,
  format: HalfPrecision,
): () => Promise<void> {
  const { size } = world;
  const part = Math.ceil(values.length / size);
  const length = format.length(part);
  const given = memory(Uint16Array, size * length);
  const taken = memory(Uint16Array, size * length);
  const some = memory(Float32Array, part);
  const piece = (all: Uint16Array, rank: number) => all.subarray(rank * length, (rank + 1) * length);
  for (let rank = 0; rank < size; rank++) {
    some.fill(0);
    some.set(values.subarray(rank * part, (rank + 1) * part));
    format.encode(some, piece(given, rank));
  }
  const swapped = world.alltoall(given, taken);
  swapped.catch(() => {}); // thrown by the second half
  return async () => {
    await swapped;
    const sum = memory(Float32Array, part);
    for (let rank = 0; rank < size; rank++) {
      format.decode(piece(taken, rank), some);
      for (let i = 0; i < part; i++) sum[i] = (sum[i] as number) + (some[i] as number);
    }
    const mine = memory(Uint16Array, length);
    format.encode(sum, mine);
    await world.allgather(mine, given);
    for (let rank = 0; rank < size; rank++) {
      format.decode(piece(given, rank), some);
      const room = values.subarray(rank * part, (rank + 1) * part);
      room.set(some.subarray(0, room.length));
    }
  };
}

/** Each rank's values to all, with 16 bits a number on the way; a rank's own come back as the others see them. */
export async function allgatherCompressed(
  world: World,
  mine: Float32Array,
  all: Float32Array,
  format: HalfPrecision,
): Promise<void> {
  const length = format.length(mine.length);
  const given = memory(Uint16Array, length);
  const taken = memory(Uint16Array, length * world.size);
  format.encode(mine, given);
  await world.allgather(given, taken);
  for (let rank = 0; rank < world.size; rank++) {
    const room = all.subarray(rank * mine.length, (rank + 1) * mine.length);
    format.decode(taken.subarray(rank * length, (rank + 1) * length), room);
  }
}

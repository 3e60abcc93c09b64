import type { HalfPrecision } from './half_precision.ts';
import { memory } from './mpi.ts';
import type { World } from './world.ts';

/** Sums of all ranks' values, so many at once. */
export interface CompressedAllreduce {
  /**
   * Starts summing, in place.
   * @returns does the second half, which all ranks must start in the same order.
   */
  start(values: Float32Array): () => Promise<void>;
}

/**
 * An all-reduce with 16 bits a number on the way and sums in float32. MPI has no sums of such numbers, so each rank adds
 * up one part of all and sends it round: the volume is that of a ring all-reduce.
 */
export function compressedAllreduce(
  world: World,
  length: number,
  format: HalfPrecision,
): CompressedAllreduce {
  const { size } = world;
  const part = Math.ceil(length / size);
  const encoded = format.length(part);
  const [given, taken] = [memory(Uint16Array, size * encoded), memory(Uint16Array, size * encoded)];
  const mine = memory(Uint16Array, encoded);
  const [some, sum] = [memory(Float32Array, part), memory(Float32Array, part)];
  const piece = (all: Uint16Array, rank: number) => all.subarray(rank * encoded, (rank + 1) * encoded);
  const partOf = (values: Float32Array, rank: number) => values.subarray(rank * part, (rank + 1) * part);

  async function finish(values: Float32Array): Promise<void> {
    format.decode(piece(taken, 0), sum);
    for (let rank = 1; rank < size; rank++) {
      format.decode(piece(taken, rank), some);
      for (let i = 0; i < part; i++) sum[i] = (sum[i] as number) + (some[i] as number);
    }
    format.encode(sum, mine);
    await world.allgather(mine, given);
    for (let rank = 0; rank < size; rank++) format.decode(piece(given, rank), partOf(values, rank));
  }

  return {
    start(values) {
      for (let rank = 0; rank < size; rank++) format.encode(partOf(values, rank), piece(given, rank));
      const swapped = world.alltoall(given, taken);
      swapped.catch(() => {}); // thrown by the second half
      return async () => {
        await swapped;
        await finish(values);
      };
    },
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
